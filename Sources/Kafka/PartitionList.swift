import CRdKafka

/// A partition and a number that belongs to it: an offset, or a time to look up.
package struct PartitionOffset: Hashable, Sendable {
    package let topic: String
    package let partition: Int32
    package var offset: Int64
    package init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

/// The one owner of an `rd_kafka_topic_partition_list_t`.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ partitions: [PartitionOffset]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(clamping: partitions.count))
        for partition in partitions {
            let element = rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
            element?.pointee.offset = partition.offset
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    /// What C wrote into the list. Throws the first partition's error.
    func offsets() throws(KafkaError) -> [PartitionOffset] {
        var offsets: [PartitionOffset] = []
        for element in UnsafeBufferPointer(start: pointer.pointee.elems, count: Int(pointer.pointee.cnt)) {
            let topic = String(cString: element.topic)
            try KafkaError.check(element.err, topic: topic, partition: element.partition)
            offsets.append(
                PartitionOffset(topic: topic, partition: element.partition, offset: element.offset))
        }
        return offsets
    }
}
