import ELTCore
import Kafka

extension KafkaChangeSource {
    /// How long the broker keeps each topic, where it tells. Best effort: a broker that doesn't know the
    /// question, or that we mayn't ask, gives nothing.
    package func retention(of topics: [String], timeout: Duration) -> [String: TopicRetention] {
        let properties = ["retention.ms", "cleanup.policy"]
        guard let consumer = try? client() else { return [:] }
        // librdkafka's mock cluster never answers this question.
        let cluster = consumer.clusterID(timeout: timeout) ?? ""
        guard !cluster.isEmpty, !cluster.hasPrefix(MockCluster.clusterIDPrefix),
            let found = try? consumer.configuration(of: topics, properties: properties, timeout: timeout)
        else { return [:] }
        return found.compactMapValues { values in
            guard let text = values["retention.ms"], let milliseconds = Int64(text) else { return nil }
            let policy = values["cleanup.policy"] ?? "delete"
            return milliseconds < 0 || !policy.contains("delete") ? .unlimited : .time(.milliseconds(milliseconds))
        }
    }
}
