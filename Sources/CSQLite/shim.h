#include <sqlite3.h>

/* sqlite3_db_config is variadic, which Swift can't call. */
static inline int elt_sqlite3_db_config_flag(sqlite3 *db, int option, int on) {
    return sqlite3_db_config(db, option, on, (int *)0);
}
