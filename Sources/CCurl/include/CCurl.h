#pragma once
#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

// libcurl's functions with a variable number of arguments, one for each type that's passed to them:
// Swift can't call them otherwise.

typedef size_t (*elt_curl_receiver)(char *bytes, size_t size, size_t count, void *context);

CURLcode elt_curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode elt_curl_set_size(CURL *easy, CURLoption option, curl_off_t value);
CURLcode elt_curl_set_text(CURL *easy, CURLoption option, const char *value);
CURLcode elt_curl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode elt_curl_set_headers(CURL *easy, struct curl_slist *headers);
CURLcode elt_curl_set_receivers(CURL *easy, elt_curl_receiver head, elt_curl_receiver body, void *context);

/// Whatever a server says: http and https, and nothing else.
CURLcode elt_curl_allow_http_only(CURL *easy);

CURLcode elt_curl_get_long(CURL *easy, CURLINFO info, long *value);

/// Takes the next transfer that has ended; false if there's none.
bool elt_curl_next_ended(CURLM *multi, CURL **easy, CURLcode *result);
