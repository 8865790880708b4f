#pragma once
#include "elt_json.h"
#if __has_include("list_splitter.h")
#include "list_splitter.h"
#endif
