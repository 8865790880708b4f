/// The texts of a new project, apart from its models.
enum ProjectTemplateTexts {
    /// `elt.yml`: for the customer service of the documentation, or a first draft for another entity.
    static func configuration(entity: String) -> String {
        let isCustomer = entity == ProjectTemplate.defaultEntity
        let topics = isCustomer ? "kundenservice-kunde" : entity.dashed
        let title = isCustomer ? "kundenservice" : entity.dashed
        let listing = isCustomer ? "customers" : entity + "s"
        let variable = entity.uppercased() + "_URL"
        let service =
            isCustomer
            ? "The default is the service of 'elt sandbox'." : "Write your service's address here."
        return """
            # What is pulled from where. ${NAME} is read from the environment, ${NAME:-default} has a
            # default, and ${file:/path} reads a secret from a file. Check this file with 'elt doctor'.
            name: \(title)
            timezone: Europe/Berlin                   # decides what a day is
            warehouse: { path: warehouse/elt.db }     # the SQLite file with the tables
            archive:   { path: archive, compression: zstd }
            models:    models

            kafka:                                    # every property of librdkafka passes through
              # The default is the broker of 'elt sandbox'.
              bootstrap.servers: ${KAFKA_BOOTSTRAP:-127.0.0.1:39092}
              # security.protocol: sasl_ssl
              # sasl.mechanisms: SCRAM-SHA-512
              # sasl.username: ${KAFKA_USER}
              # sasl.password: ${file:/run/secrets/kafka_password}

            entities:
              \(entity):
                key: id                               # path in the record
                record: \(pad(entity, 30))# path of the record in the message; leave out: the whole value
                event_time: event_time                # path in the message; leave out: the Kafka timestamp
                topics:
                  create: \(topics)-create
                  update: \(topics)-update
                  # 'deactivate' keeps the record with its status, 'remove' takes it out of the table.
                  delete: { name: \(topics)-delete, mode: deactivate }
                columns:                              # leave out: discovered from the data
                  - { name: id, type: text, test: [not_null, unique] }

            """ + columns(isCustomer) + """
                    full_load:
                      # \(service)
                      url: ${\(variable):-http://127.0.0.1:38080/api/\(listing)}
                      records: items                      # path of the list; leave out: the body is the list, or NDJSON
                      pagination: { kind: page, page_param: page, size_param: size, size: 1000, total: total }
                      # auth: { kind: bearer, token: ${API_TOKEN} }
                      parallel: 4                         # pages that are fetched side by side
                      # rate_limit: 20/s                  # be kind to a service that others use
                      absent: keep                        # or 'remove': what's not in the listing is deleted

                """
    }

    private static func columns(_ isCustomer: Bool) -> String {
        guard isCustomer else { return "" }
        return """
                  - { name: created_at, type: timestamp }
                  - { name: updated_at, type: timestamp }
                  - { name: version, type: integer }

            """
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    static func readme(entity: String) -> String {
        """
        # \(entity == ProjectTemplate.defaultEntity ? "kundenservice" : entity.dashed)

        A project of `elt`: every hour it pulls what is new from Kafka, keeps it in an archive for good and
        brings the tables in a SQLite file up to date.

        | file | what it says |
        | --- | --- |
        | `elt.yml` | where the data comes from, and what it looks like |
        | `models/current_\(entity).sql` | the table `current_\(entity)`: one row for each \(entity), as it is now |
        | `models/\(entity)_history.sql` | the table `\(entity)_history`: every \(entity) at the end of every day |
        | `models/schema.yml` | what the columns mean, and the tests that must hold |
        | `archive/` | every message and every page as they came; keep it safe, it can't be had again |
        | `warehouse/` | the tables; `elt rebuild --from-archive` makes them again |

        ## Try it

            elt sandbox           # in another terminal: a broker and a service with made-up data
            elt doctor            # checks everything, and says what to do
            elt full-load         # every \(entity), through REST
            elt run               # what has changed since then
            elt query 'select count(*) from current_\(entity)'

        ## Use it

        Set `KAFKA_BOOTSTRAP` and `\(entity.uppercased())_URL`, or write the addresses into `elt.yml`. Then let a
        scheduler call `elt run` every hour. It may be killed and started again at any time.

        """
    }

    /// Personal data, and what can be built again.
    static let ignored = "warehouse/\narchive/\n"
}

extension String {
    /// Topics and projects are named with dashes more often than not.
    fileprivate var dashed: String { split(separator: "_").joined(separator: "-") }
}
