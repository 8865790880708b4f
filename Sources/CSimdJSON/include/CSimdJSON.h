#pragma once
#include "elt_json.h"
#include "list_splitter.h"
