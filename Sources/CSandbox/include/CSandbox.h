#ifndef CSANDBOX_H
#define CSANDBOX_H

/// Makes this thread's next bind(2) of an IPv4 socket to "any port" take `port` instead (0 stays any),
/// and its connections answer without delay.
/// librdkafka's mock cluster binds to any port and offers no setting for it.
void csandbox_pin_port(unsigned short port);

/// Ends that. Returns 1 if a bind came by and was pinned; 0 if not, as on systems where a program
/// can't stand between a library and the C library.
int csandbox_unpin_port(void);

#endif
