import ELTCore
import Foundation

/// Sleeps the thread; for waits on the world that look again afterwards.
func pause(_ duration: Duration) { Thread.sleep(forTimeInterval: Double(duration.wholeMilliseconds) / 1000) }
