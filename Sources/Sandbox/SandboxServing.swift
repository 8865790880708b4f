import ELTCore
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension Sandbox {
    /// The whole of `elt sandbox`: starts, tells how to use it, serves until a signal comes.
    ///
    /// The caller has tied SIGINT and SIGTERM to `Interruption`. Blocks its thread; call it outside
    /// Swift's pool. Ends by returning: a signal is the normal end here.
    ///
    /// - Parameters:
    ///   - json: One machine-readable document instead of the text for people.
    ///   - write: Where to; standard output.
    package static func serve(
        _ options: SandboxOptions, json: Bool, write: (String) -> Void, warn: (String) -> Void
    ) throws {
        let sandbox = try Sandbox(options)
        try sandbox.start()
        let status = sandbox.status
        if let warning = status.warning { warn(warning) }
        if json {
            let document = try JSONEncoder.sorted.encode(status)
            write(String(decoding: document, as: UTF8.self))
        } else {
            write(sandbox.welcome)
        }
        try sandbox.run(warn: warn)
        sandbox.stop()
    }

    /// Serves until a signal has come, and lives on with the clock where `rate` says so.
    package func run(warn: (String) -> Void) throws {
        // Between our clock and the machine's may lie a difference: a life with a start of its own.
        let began = (life: now, clock: ContinuousClock.now)
        var warned = false
        while !Interruption.isRequested {
            usleep(100_000)
            guard options.rate > 0 else { continue }
            try advance(to: began.life + (ContinuousClock.now - began.clock))
            if !warned, let warning = status.warning {
                warned = true
                warn(warning)
            }
        }
    }

    /// How to point `elt` and others at it.
    package var welcome: String {
        let status = status
        return """
            The sandbox serves \(status.customers) customers; its time is \(status.now)\
            \(options.rate > 0 ? " and goes on with \(options.rate) events a second" : "").

              broker            \(status.kafka)
              customer service  \(status.service)/api/customers?page=0&size=1000

            Try it:

              elt init demo && cd demo       then put this into elt.yml and 'elt full-load', 'elt run':

            \(configuration.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))

              curl -X POST '\(status.service)/sandbox/advance?hours=1'     an hour later
              curl '\(status.service)/sandbox/status'                      where it stands
              kcat -b \(status.kafka) -t \(options.topics.update) -C -e -o beginning

            Ctrl-C ends it, and everything in it is gone.
            """
    }

    /// An `elt.yml` that reads this sandbox.
    package var configuration: String {
        """
        name: kundenservice
        timezone: \(options.zone.name)
        kafka:
          bootstrap.servers: \(bootstrapServers)
        entities:
          customer:
            key: id
            record: customer
            event_time: event_time
            topics:
              create: \(options.topics.create)
              update: \(options.topics.update)
              delete: { name: \(options.topics.delete), mode: deactivate }
            full_load:
              url: \(serviceURL)/api/customers
              records: items
              pagination: { kind: page, page_param: page, size_param: size, size: 1000, total: total }
              parallel: 4
        """
    }
}
