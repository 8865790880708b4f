#include <sqlite3.h>

/* sqlite3_config is variadic, too. */
static inline int elt_sqlite3_config_memory_status(int on) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, on);
}

/* sqlite3_db_config is variadic, which Swift can't call. */
static inline int elt_sqlite3_db_config_flag(sqlite3 *db, int option, int on) {
    return sqlite3_db_config(db, option, on, (int *)0);
}
