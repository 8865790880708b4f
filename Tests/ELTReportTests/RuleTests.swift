import ELTCore
import ELTReport
import Testing

@Suite struct RuleTests {
    private func event(
        epoch: Int = 1, time: Int64 = 100, _ operation: Operation = .update, topic: Int = 0, partition: Int32 = 0,
        offset: Int64 = 5
    ) -> RecordOrder {
        RecordOrder(
            epoch: epoch, kind: .event, time: time, operationRank: operation.rawValue, topicRank: topic,
            partition: partition, incarnation: 1, offset: offset)
    }

    private func reason(_ loser: RecordOrder, _ winner: RecordOrder) -> String {
        #expect(loser.isLess(than: winner))
        #expect(!winner.isLess(than: loser))
        return DecidingRule(loser, losesTo: winner).text
    }

    @Test func `Each step of the order is named by the first difference`() {
        #expect(
            reason(.fullLoad(epoch: 1, row: 3), .fullLoad(epoch: 2, row: 1)) == "older full load (epoch 1 < 2)")
        #expect(reason(event(), .fullLoad(epoch: 2, row: 1)) == "event before full load 2 (epoch 1 < 2)")
        #expect(
            reason(event(), event(epoch: 2, time: 1))
                == "event before full load 2, the winner after it (epoch 1 < 2)")
        #expect(
            reason(.fullLoad(epoch: 1, row: 3), event()) == "row of full load 1; the winner is an event after it")
        #expect(reason(event(), .absence(epoch: 3)) == "full load 3, which came later, doesn't list the key")
        #expect(reason(.fullLoad(epoch: 1, row: 3), .fullLoad(epoch: 1, row: 4)) == "earlier in the same full load")
        #expect(reason(event(time: 99, .delete), event(.create)) == "earlier effective time")
        #expect(reason(event(.create, topic: 9), event(.delete)) == "same time, operation rank (create < delete)")
        #expect(reason(event(offset: 9), event(topic: 1)) == "same time and operation, topic order in elt.yml")
        #expect(reason(event(offset: 9), event(partition: 1)) == "a tie: only partition and offset tell them apart")
        #expect(reason(event(), event(offset: 6)) == "a tie: only partition and offset tell them apart")
    }

    @Test func `Comparing values is comparing the bytes that tables keep`() {
        let orders = [
            event(epoch: 0, time: 900, .delete, topic: 3), .absence(epoch: 1), .fullLoad(epoch: 1, row: 0),
            .fullLoad(epoch: 1, row: 1 << 30), event(time: 5), event(time: 256), event(time: 256, .delete),
            event(time: 256, .delete, topic: 1), event(time: 256, .delete, topic: 1, partition: 300),
            event(time: 256, .delete, topic: 1, partition: 300, offset: 70_000), .absence(epoch: 2),
        ]
        for (index, order) in orders.enumerated() {
            for (other, later) in orders.enumerated() {
                #expect(order.isLess(than: later) == (index < other))
                #expect(order.bytes.lexicographicallyPrecedes(later.bytes) == (index < other))
            }
        }
    }
}
