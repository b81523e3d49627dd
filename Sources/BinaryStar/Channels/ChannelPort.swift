import ZeroMQ

/// The pump's end of a channel. Used on the pump's thread only.
final class ChannelPort {
    let type: ChannelType
    let pumped: PumpedSocket
    let boundEndpoints: [String]
    let buffer: ChannelBuffer
    /// Messages that wait until the socket takes them.
    var unsent = SendQueue()
    /// Whether the buffer has room.
    var isReading = true

    init(type: ChannelType, pumped: PumpedSocket, boundEndpoints: [String], buffer: ChannelBuffer) {
        self.type = type
        self.pumped = pumped
        self.boundEndpoints = boundEndpoints
        self.buffer = buffer
    }

    /// Closes the socket, ends the sequence and fails what was not sent.
    func close(in loop: PumpLoop) {
        loop.remove(pumped)
        buffer.finish()
        unsent.failAll(BinaryStarError.stopped)
    }

    /// What to poll for.
    var events: PollSet.Events {
        var events: PollSet.Events = []
        if type.receives, isReading { events.insert(.readable) }
        if !unsent.isEmpty { events.insert(.writable) }
        return events
    }
}
