import CRdKafka

extension Consumer {
    /// Configured values of topics, by topic and property; a topic that the broker won't tell of is absent.
    /// Brokers that don't know the question at all give an error.
    package func configuration(
        of topics: [String], properties: [String], timeout: Duration
    ) throws(KafkaError) -> [String: [String: String]] {
        guard !topics.isEmpty else { return [:] }
        guard let queue = rd_kafka_queue_new(client.handle) else { throw KafkaError(.timedOut) }
        defer { rd_kafka_queue_destroy(queue) }
        var resources: [OpaquePointer?] = topics.map {
            rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0)
        }
        defer { for resource in resources { if let resource { rd_kafka_ConfigResource_destroy(resource) } } }
        guard let options = rd_kafka_AdminOptions_new(client.handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS) else {
            throw KafkaError(.timedOut)
        }
        defer { rd_kafka_AdminOptions_destroy(options) }
        var text = [CChar](repeating: 0, count: 256)
        rd_kafka_AdminOptions_set_request_timeout(
            options, max(1, timeout.pollMilliseconds), &text, text.count)
        rd_kafka_DescribeConfigs(client.handle, &resources, resources.count, options, queue)
        guard let event = rd_kafka_queue_poll(queue, timeout.pollMilliseconds) else {
            throw KafkaError(.timedOut)
        }
        defer { rd_kafka_event_destroy(event) }
        if rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR {
            throw KafkaError(
                KafkaError.Code(rd_kafka_event_error(event)),
                String(cString: rd_kafka_event_error_string(event)))
        }
        return Self.answer(event, Set(properties))
    }

    private static func answer(_ event: OpaquePointer, _ wanted: Set<String>) -> [String: [String: String]] {
        var found: [String: [String: String]] = [:]
        var count = 0
        let resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count)
        for index in 0..<count {
            guard let resource = resources?[index],
                rd_kafka_ConfigResource_error(resource) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let name = rd_kafka_ConfigResource_name(resource)
            else { continue }
            var values: [String: String] = [:]
            var entries = 0
            let configs = rd_kafka_ConfigResource_configs(resource, &entries)
            for entry in 0..<entries {
                guard let config = configs?[entry], let property = rd_kafka_ConfigEntry_name(config),
                    let value = rd_kafka_ConfigEntry_value(config), wanted.contains(String(cString: property))
                else { continue }
                values[String(cString: property)] = String(cString: value)
            }
            found[String(cString: name)] = values
        }
        return found
    }
}
