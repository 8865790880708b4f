/// The models that `elt init` writes. The repository's `models/` are those of the entity `customer`.
package enum ModelTexts {
    /// One row for each living key: a merge.
    package static func current(entity: String, key: String) -> String {
        """
        -- One row for each living \(entity): the record that wins over all others of its key.
        {{ config(materialized='incremental', incremental_strategy='merge', unique_key='\(key)', by_key='\(entity)') }}

        select {{ columns('\(entity)') }}
        from {{ source('\(entity)', 'winners') }}

        """
    }

    /// One row for each day and key: whole days are overwritten.
    package static func history(entity: String, key: String) -> String {
        """
        -- One row for each day and each \(entity) living at its end: the record that wins among those of days
        -- up to it. A day starts as the day before; `changed` is 1 where the winner is of this very day.
        {{ config(
            materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
            unique_key='\(key)', by_key='\(entity)', carry_forward={'changed': 0}
        ) }}

        select _on_day as day, _day = _on_day as changed, {{ columns('\(entity)') }}
        from {{ source('\(entity)', 'daily_winners') }}

        """
    }

    /// What the columns mean, and their tests.
    package static func schema(entity: String, key: String) -> String {
        let columns = entity == "customer" ? customerColumns : [(key, "Key of the record.")]
        func list(indent: String) -> String {
            columns.map { name, meaning in
                var text = "\(indent)- name: \(name)\n\(indent)  description: \(meaning)\n"
                if name == key { text += "\(indent)  tests: [KEYTESTS]\n" }
                return text
            }.joined()
        }
        let current = list(indent: "      ").replacingFirst("KEYTESTS", with: "not_null, unique")
        let history = list(indent: "      ").replacingFirst("KEYTESTS", with: "not_null")
        return """
            # What the tables mean, and what must hold in them. A failed test keeps a run from publishing.
            version: 2

            models:
              - name: current_\(entity)
                description: One row for each living \(entity), as it is now.
                columns:
            \(current)
              - name: \(entity)_history
                description: One row for each day and each \(entity) living at the end of that day.
                columns:
                  - name: day
                    description: Civil day in the project's time zone, YYYY-MM-DD.
                    tests: [not_null]
                  - name: changed
                    description: 1 where the row is of this very day, 0 where it's carried on from an earlier one.
            \(history)
            """
    }

    private static let customerColumns = [
        ("id", "The customer's id, which is also the key of the messages."),
        ("name", "Family name."),
        ("firstname", "Given name."),
        ("street", "Street and number."),
        ("zip", "Postcode, as text because it may begin with 0."),
        ("city", "City."),
        ("email", "Address for mail."),
        ("phone", "Telephone number."),
        ("status", "active, or inactive once the service has deactivated the customer."),
        ("created_at", "When the customer was created, UTC."),
        ("updated_at", "When the service last changed the customer, UTC."),
        ("version", "Number of the change, counted by the service."),
    ]
}

extension String {
    fileprivate func replacingFirst(_ word: String, with replacement: String) -> String {
        split(separator: word, maxSplits: 1, omittingEmptySubsequences: false).joined(separator: replacement)
    }
}
