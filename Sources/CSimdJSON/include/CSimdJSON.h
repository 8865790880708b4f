#pragma once
#if __has_include("elt_json.h")
#include "elt_json.h"
#endif
#if __has_include("list_splitter.h")
#include "list_splitter.h"
#endif
