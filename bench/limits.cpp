// What each step of elt can't be faster than, each measured alone with the libraries that elt uses.
//
//   limits consume BROKER TOPIC:PARTITION:FROM:END…       librdkafka, messages thrown away
//   limits fetch PORT PAGES                               HTTP pages over one connection, bodies thrown away
//   limits decode FILE                                    simdjson, the fields of an event or customer in each line
//   limits insert FILE DATABASE RECORDS ROWS              SQLite: RECORDS rows of all fields (raw), ROWS of customers in order of
//                                                         their key (tables), a transaction each; prints two figures
//   limits merge FILE DATABASE STANDING CHANGED           SQLite: CHANGED rows, evenly spread, of two tables of STANDING rows, one transaction
//   limits zstd FILE                                      level 3, and back; prints two figures
//   limits write BYTES TARGET                             sequential write and fsync
//
// Prints seconds, one figure in a line. Input is read into memory before the clock starts.
#include <arpa/inet.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <simdjson.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using Clock = std::chrono::steady_clock;
static Clock::time_point begin;
static void start() { begin = Clock::now(); }
static void stop() { std::printf("%.4f\n", std::chrono::duration<double>(Clock::now() - begin).count()); }

[[noreturn]] static void fail(const char *what) {
    std::fprintf(stderr, "limits: %s\n", what);
    std::exit(1);
}

static void consume(const char *broker, int count, char **places) {
    char error[512];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    for (auto [name, value] : std::map<const char *, const char *>{{"bootstrap.servers", broker},
                                                                     {"group.id", "limits"},
                                                                     {"receive.message.max.bytes", "1000000000"},
                                                                     {"queued.min.messages", "1000000"},
                                                                     {"enable.auto.commit", "false"}})
        if (rd_kafka_conf_set(settings, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail(error);
    start();
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, settings, error, sizeof error);
    if (!kafka) fail(error);
    rd_kafka_poll_set_consumer(kafka);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    int64_t wanted = 0;
    std::map<std::pair<std::string, int>, int64_t> ends;
    for (int i = 0; i < count; i++) {
        char topic[256];
        int partition;
        long long from, end;
        if (std::sscanf(places[i], "%255[^:]:%d:%lld:%lld", topic, &partition, &from, &end) != 4) fail(places[i]);
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = from;
        ends[{topic, partition}] = end;
        wanted += end - from;
    }
    rd_kafka_assign(kafka, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(kafka);
    std::vector<rd_kafka_message_t *> messages(10000);
    while (wanted > 0) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 5, messages.data(), messages.size());
        for (ssize_t i = 0; i < got; i++) {
            if (messages[i]->err) fail(rd_kafka_message_errstr(messages[i]));
            wanted--;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    stop();
    std::fflush(stdout);
    _exit(0);
}

static void fetch(int port, int pages) {
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::vector<char> buffer(1 << 20);
    start();
    if (connect(connection, reinterpret_cast<sockaddr *>(&address), sizeof address)) fail("can't connect");
    for (int page = 0; page < pages; page++) {
        std::string request = "GET /api/customers?page=" + std::to_string(page) + "&size=1000 HTTP/1.1\r\nHost: x\r\n\r\n";
        if (write(connection, request.data(), request.size()) < 0) fail("can't send");
        std::string head;
        size_t left = 0;
        for (;;) {
            ssize_t got = read(connection, buffer.data(), buffer.size());
            if (got <= 0) fail("the service hung up");
            head.append(buffer.data(), got);
            size_t end = head.find("\r\n\r\n"), length = head.find("Content-Length: ");
            if (end == std::string::npos) continue;
            left = std::strtoull(head.c_str() + length + 16, nullptr, 10) - (head.size() - end - 4);
            break;
        }
        while (left > 0) {
            ssize_t got = read(connection, buffer.data(), std::min(left, buffer.size()));
            if (got <= 0) fail("the service hung up");
            left -= got;
        }
    }
    stop();
}

static const char *names[] = {"id",     "name",  "firstname", "street",     "zip",       "city",
                              "email", "phone", "status",    "created_at", "updated_at"};
using Record = std::array<std::string_view, 14>;  // operation, event time, the eleven names, and the version as text

// Reads all fields of each line; keeps them if asked to. The texts lie in the parser's buffer, so they are copied.
static size_t decode(const simdjson::padded_string &text, std::vector<Record> *records, std::string *texts) {
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document_stream stream;
    if (parser.iterate_many(text, 1 << 20).get(stream)) fail("not JSON");
    size_t sum = 0;
    bool events = std::string_view(text).substr(0, 13) == "{\"event_type\"";
    for (auto document : stream) {
        Record record;
        std::string_view value;
        simdjson::ondemand::object customer;
        auto keep = [&](int index, std::string_view found) {
            sum += found.size();
            if (!records) return;
            size_t at = texts->size();
            texts->append(found);
            record[index] = std::string_view(texts->data() + at, found.size());
        };
        if (events) {
            if (document["event_type"].get_string().get(value)) fail("no event_type");
            keep(0, value);
            if (document["event_time"].get_string().get(value)) fail("no event_time");
            keep(1, value);
            if (document["customer"].get_object().get(customer)) fail("no customer");
        } else if (document.get_object().get(customer))
            fail("no object");
        for (int i = 0; i < 11; i++) {
            if (customer[names[i]].get_string().get(value)) fail(names[i]);
            keep(2 + i, value);
        }
        int64_t version;
        if (customer["version"].get_int64().get(version)) fail("version");
        keep(13, std::to_string(version));
        if (records) records->push_back(record);
    }
    return sum;
}

static void check(int code, sqlite3 *base) {
    if (code != SQLITE_OK && code != SQLITE_DONE) fail(sqlite3_errmsg(base));
}

static std::vector<Record> customers(const simdjson::padded_string &text, std::string *texts) {
    std::vector<Record> records;
    texts->reserve(text.size());  // so that nothing moves
    decode(text, &records, texts);
    if (records.empty()) fail("no records");
    std::sort(records.begin(), records.end(), [](auto &a, auto &b) { return a[2] < b[2]; });
    records.erase(std::unique(records.begin(), records.end(), [](auto &a, auto &b) { return a[2] == b[2]; }), records.end());
    return records;
}

static std::string columns(const char *type) {
    std::string list;
    for (int i = 1; i < 11; i++) list += std::string(", ") + names[i] + type;
    return list + ", version" + (*type ? " integer" : "");
}

static sqlite3 *open_base(const char *path) {
    sqlite3 *base;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_open(path, &base);
    check(sqlite3_exec(base, ("pragma page_size=16384; pragma journal_mode=wal; pragma synchronous=full; pragma cache_size=-65536;"
                              "pragma wal_autocheckpoint=0; pragma secure_delete=off;"
                              "create table raw (_id integer primary key, operation text, event_time text, id text" + columns(" text") +
                              "); create table tables (day text, changed integer, id text" + columns(" text") +
                              ", primary key (day, id)) without rowid").c_str(), nullptr, nullptr, nullptr), base);
    return base;
}

// Rows in one transaction, sixteen with each statement, which is as fast as SQLite gets: one by one takes half as long again.
template <typename Bind>
static void write_rows(sqlite3 *base, const char *table, int width, long rows, const char *end, Bind bind) {
    const int most = 16;
    std::string one = "(?" + [&] { std::string more; for (int i = 1; i < width; i++) more += ",?"; return more; }() + ")", many = one;
    for (int i = 1; i < most; i++) many += "," + one;
    sqlite3_stmt *statements[2];
    std::string begin = std::string("insert or rollback into ") + table + " values ";
    check(sqlite3_exec(base, "begin", nullptr, nullptr, nullptr), base);
    check(sqlite3_prepare_v2(base, (begin + one + end).c_str(), -1, &statements[0], nullptr), base);
    check(sqlite3_prepare_v2(base, (begin + many + end).c_str(), -1, &statements[1], nullptr), base);
    for (long row = 0; row < rows;) {
        int count = rows - row >= most ? most : 1;
        sqlite3_stmt *statement = statements[count == most];
        for (int i = 0; i < count; i++) bind(statement, i * width, row++);
        check(sqlite3_step(statement), base);
        sqlite3_reset(statement);
    }
    check(sqlite3_exec(base, "commit", nullptr, nullptr, nullptr), base);
    for (auto statement : statements) sqlite3_finalize(statement);
}

static void bind_fields(sqlite3_stmt *statement, int before, const Record &record, int from, long version) {
    for (int i = from; i < 13; i++)
        sqlite3_bind_text(statement, ++before, record[i].data() ? record[i].data() : "", record[i].size(), SQLITE_STATIC);
    sqlite3_bind_int64(statement, before + 1, version);
}

static void insert(const simdjson::padded_string &text, const char *path, long raw, long rows) {
    std::string texts;
    std::vector<Record> records = customers(text, &texts);
    sqlite3 *base = open_base(path);
    start();
    write_rows(base, "raw", 15, raw, "", [&](sqlite3_stmt *statement, int before, long row) {
        sqlite3_bind_int64(statement, before + 1, row);
        bind_fields(statement, before + 1, records[row % records.size()], 0, row);
    });
    stop();
    start();
    write_rows(base, "tables", 14, rows, "", [&](sqlite3_stmt *statement, int before, long row) {
        char day[32];  // as long as a day
        std::snprintf(day, sizeof day, "%010ld", row / long(records.size()));
        sqlite3_bind_text(statement, before + 1, day, 10, SQLITE_TRANSIENT);
        sqlite3_bind_int64(statement, before + 2, 0);
        bind_fields(statement, before + 2, records[row % records.size()], 2, row);
    });
    stop();
    check(sqlite3_close(base), base);  // moves everything from the log into the file, whose size then counts
}

static void merge(const simdjson::padded_string &text, const char *path, long standing, long changed) {
    std::string texts;
    std::vector<Record> records = customers(text, &texts);
    sqlite3 *base = open_base(path);
    // Two tables of STANDING rows, as two days of one.
    auto bind = [&](sqlite3_stmt *statement, int before, long row, long version) {
        char key[32];
        std::snprintf(key, sizeof key, "c-%0*ld", int(records[0][2].size()) - 2, row % standing);
        sqlite3_bind_text(statement, before + 1, row < standing ? "2026-03-01" : "2026-03-02", 10, SQLITE_STATIC);
        sqlite3_bind_int64(statement, before + 2, 0);
        bind_fields(statement, before + 2, records[(row + version) % records.size()], 2, version);
        sqlite3_bind_text(statement, before + 3, key, -1, SQLITE_TRANSIENT);
    };
    write_rows(base, "tables", 14, 2 * standing, "", [&](sqlite3_stmt *statement, int before, long row) { bind(statement, before, row, 1); });
    check(sqlite3_exec(base, "pragma wal_checkpoint", nullptr, nullptr, nullptr), base);
    std::string end = " on conflict (day, id) do update set changed = excluded.changed";
    for (int i = 1; i < 11; i++) end += std::string(", ") + names[i] + " = excluded." + names[i];
    end += ", version = excluded.version where version is not excluded.version";
    start();
    write_rows(base, "tables", 14, changed, end.c_str(), [&](sqlite3_stmt *statement, int before, long row) {
        bind(statement, before, long(double(row) * 2 * standing / changed), 2);
    });
    stop();
    check(sqlite3_close(base), base);
}

static void zstd(const simdjson::padded_string &text) {
    std::vector<char> packed(ZSTD_compressBound(text.size())), back(text.size());
    start();
    size_t size = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3);
    stop();
    if (ZSTD_isError(size)) fail(ZSTD_getErrorName(size));
    start();
    ZSTD_decompress(back.data(), back.size(), packed.data(), size);
    stop();
}

static void write_out(long bytes, const char *path) {
    std::vector<char> block(1 << 20, 'x');
    start();
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (file < 0) fail(path);
    for (long left = bytes; left > 0; left -= block.size())
        if (write(file, block.data(), std::min<long>(left, block.size())) < 0) fail("can't write");
    fsync(file);
    close(file);
    stop();
    unlink(path);
}

int main(int count, char **words) {
    auto is = [&](const char *command, int least) { return count >= least && !std::strcmp(words[1], command); };
    if (is("consume", 4)) consume(words[2], count - 3, words + 3);
    if (is("fetch", 4)) return fetch(std::atoi(words[2]), std::atoi(words[3])), 0;
    if (is("write", 4)) return write_out(std::atol(words[2]), words[3]), 0;
    if (count < 3) fail("see the head of limits.cpp");
    simdjson::padded_string text;
    if (simdjson::padded_string::load(words[2]).get(text)) fail(words[2]);
    if (is("decode", 3)) {
        start();
        if (decode(text, nullptr, nullptr) == 0) fail("nothing decoded");
        stop();
    } else if (is("insert", 6))
        insert(text, words[3], std::atol(words[4]), std::atol(words[5]));
    else if (is("merge", 6))
        merge(text, words[3], std::atol(words[4]), std::atol(words[5]));
    else if (is("zstd", 3))
        zstd(text);
    else
        fail("see the head of limits.cpp");
}
