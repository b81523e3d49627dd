import CZeroMQ

extension Socket {
    /// What a receive call brought.
    package enum Received: Sendable {
        /// A whole message.
        case message(Message)
        /// There is no message at the moment.
        case nothing
        /// A message with more frames than the limit. It was read to its end and dropped.
        case tooManyFrames
    }

    /// Receives a whole message without waiting. Its frames stay where libzmq put them.
    ///
    /// - Parameters:
    ///   - spare: a message that is not needed any more. If nobody else refers to it either, its memory is used again.
    ///   - maximumFrames: how many frames the message may have.
    package func receive(
        reusing spare: inout Message?,
        maximumFrames: Int
    ) throws(ZeroMQError) -> Received {
        try receive(into: Message.recycledStorage(&spare), spare: &spare, maximumFrames: maximumFrames)
    }

    private func receive(
        into storage: MessageStorage, spare: inout Message?, maximumFrames: Int
    ) throws(ZeroMQError) -> Received {
        switch receiveFrame(into: storage) {
        case 0: break
        case EAGAIN:
            spare = Message(storage)
            return .nothing
        case let code: throw ZeroMQError("receive", type.name, code: code)
        }
        czmq_tsan_acquire()
        while storage.lastFrameHasMore {
            if storage.isFull { return try receiveRest(of: storage, maximumFrames: maximumFrames) }
            try receiveNextFrame(into: storage)
        }
        guard storage.count <= maximumFrames else { return .tooManyFrames }
        return .message(Message(storage))
    }

    /// Goes on with a message that has more frames than `full` has room for.
    private func receiveRest(
        of full: MessageStorage,
        maximumFrames: Int
    ) throws(ZeroMQError) -> Received {
        var storage = full
        repeat {
            if storage.isFull {
                guard storage.count < maximumFrames else {
                    try discardRest()
                    return .tooManyFrames
                }
                storage = storage.grown()
            }
            try receiveNextFrame(into: storage)
        } while storage.lastFrameHasMore
        guard storage.count <= maximumFrames else { return .tooManyFrames }
        return .message(Message(storage))
    }

    /// Receives a whole message without waiting, or returns `nil` if there is none.
    ///
    /// - Parameter usualFrames: how many frames there is room for from the beginning.
    package func receive(usualFrames: Int = Message.usualFrames) throws(ZeroMQError) -> Message? {
        var spare: Message?
        let storage = MessageStorage.make(capacity: usualFrames)
        return switch try receive(into: storage, spare: &spare, maximumFrames: .max) {
        case .message(let message): message
        case .nothing, .tooManyFrames: nil
        }
    }

    /// Receives one frame behind the last one of `storage`. Returns 0 or the error number.
    @inline(__always)
    private func receiveFrame(into storage: MessageStorage) -> Int32 {
        let frame = unsafe storage.appendEmptyFrame()
        while unsafe zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) < 0 {
            let code = zmq_errno()
            if code == EINTR { continue }
            storage.removeLastFrame()
            return code
        }
        return 0
    }

    private func discardRest() throws(ZeroMQError) {
        let storage = MessageStorage.make(capacity: 1)
        repeat {
            storage.removeAll()
            try receiveNextFrame(into: storage)
        } while storage.lastFrameHasMore
    }

    /// Receives a further frame of a message. libzmq gives out whole messages only, so that it is there.
    @inline(__always)
    private func receiveNextFrame(into storage: MessageStorage) throws(ZeroMQError) {
        let status = receiveFrame(into: storage)
        guard status == 0 else { throw ZeroMQError("receive", type.name, code: status) }
    }

    /// What became of a message that was given to be sent.
    package enum Sent: Sendable {
        /// libzmq has it.
        case sent
        /// The socket, or the queue of the addressed peer, is full at the moment. Nothing was sent.
        case full
        /// A ROUTER has no such peer any more. Nothing was sent.
        case noPeer
    }

    /// Sends `reply` behind the envelope of `request`, which are its frames before `bodyStart`, without waiting.
    ///
    /// Frames that nobody else refers to are moved; others are copied or shared, see ``MessageStorage``. What is left of
    /// `request` is good for its memory only.
    ///
    /// - Parameter charge: what the message costs until libzmq has sent it.
    package func send(
        _ reply: consuming Message,
        to request: inout Message,
        bodyStart: Int,
        charge: Charge? = nil
    ) throws(ZeroMQError) -> Sent {
        if reply.isRest(of: request, from: bodyStart) {
            // The request itself, as in an echo: without the second reference its frames have one owner.
            _ = consume reply
            return try sendFrames(request.range, of: &request, more: false, isStart: true, charge: charge)
        }
        let envelope = request.range.lowerBound..<request.range.lowerBound + bodyStart
        guard !envelope.isEmpty else {
            return try sendFrames(reply.range, of: &reply, more: false, isStart: true, charge: charge)
        }
        let sent = try sendFrames(envelope, of: &request, more: !reply.isEmpty, isStart: true)
        guard case .sent = sent, !reply.isEmpty else { return sent }
        return try sendFrames(reply.range, of: &reply, more: false, isStart: false, charge: charge)
    }

    /// Sends `message` without waiting. An empty message sends nothing.
    ///
    /// If nobody else refers to the message its frames are moved, and what is left of it has no bytes.
    ///
    /// - Parameter charge: what the message costs until libzmq has sent it.
    package func send(_ message: inout Message, charge: Charge? = nil) throws(ZeroMQError) -> Sent {
        guard !message.isEmpty else { return .sent }
        return try sendFrames(message.range, of: &message, more: false, isStart: true, charge: charge)
    }

    /// Sends a header, an empty delimiter and `body`, without waiting. The body stays as it is: small frames are copied, the
    /// bytes of large ones are lent.
    ///
    /// - Parameters:
    ///   - address: a frame in front of all, if there is one.
    ///   - headerLength: in bytes. Up to 33 libzmq needs no memory of its own for it; 0 sends no header.
    ///   - writeHeader: is called once with the memory for it.
    package func send(
        address: [UInt8]? = nil,
        headerLength: Int,
        body: borrowing Message,
        writeHeader: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(ZeroMQError) -> Sent {
        czmq_tsan_release()
        var isFirst = true
        if let address {
            let sent = try unsafe sendStart(address.count, isFirst: true) { unsafe $0.copyBytes(from: address) }
            guard case .sent = sent else { return sent }
            isFirst = false
        }
        if headerLength > 0 {
            let sent = try unsafe sendStart(headerLength, isFirst: isFirst, writeHeader)
            guard case .sent = sent else { return sent }
            isFirst = false
        }
        var delimiter = zmq_msg_t()
        unsafe zmq_msg_init(&delimiter)
        let sent = try unsafe sendPart(&delimiter, isFirst: isFirst, more: !body.isEmpty)
        guard case .sent = sent else { return sent }
        for index in body.range {
            let flags = ZMQ_DONTWAIT | (index + 1 < body.range.upperBound ? ZMQ_SNDMORE : 0)
            let status = unsafe body.storage.withSendableCopy(at: index, charge: nil) {
                unsafe sendFrame($0, flags: flags)
            }
            if status != 0 { return try notSent(status, isFirst: false) }
        }
        return .sent
    }

    /// Sends a frame that others follow, whose bytes `write` makes.
    @inline(__always)
    private func sendStart(
        _ count: Int, isFirst: Bool, _ write: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(ZeroMQError) -> Sent {
        var frame = zmq_msg_t()
        let status = unsafe zmq_msg_init_size(&frame, count)
        precondition(status == 0, "out of memory for a frame of \(count) bytes")
        unsafe write(UnsafeMutableRawBufferPointer(start: zmq_msg_data(&frame), count: count))
        return try unsafe sendPart(&frame, isFirst: isFirst, more: true)
    }

    /// Sends a frame, which is closed if that fails.
    private func sendPart(
        _ frame: UnsafeMutablePointer<zmq_msg_t>, isFirst: Bool, more: Bool
    ) throws(ZeroMQError) -> Sent {
        let status = unsafe sendFrame(frame, flags: ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0))
        guard status != 0 else { return .sent }
        unsafe zmq_msg_close(frame)
        return try notSent(status, isFirst: isFirst)
    }

    /// What became of a message of which a frame could not be sent. Only for the first one is there a way out.
    private func notSent(_ status: Int32, isFirst: Bool) throws(ZeroMQError) -> Sent {
        switch status {
        case EAGAIN where isFirst: return .full
        case EHOSTUNREACH where isFirst: return .noPeer
        default: throw ZeroMQError("send", type.name, code: status)
        }
    }

    private func sendFrames(
        _ range: Range<Int>,
        of message: inout Message,
        more: Bool,
        isStart: Bool,
        charge: Charge? = nil
    ) throws(ZeroMQError) -> Sent {
        czmq_tsan_release()
        let isUnique = isKnownUniquelyReferenced(&message.storage)
        for index in range {
            let flags = ZMQ_DONTWAIT | (more || index + 1 < range.upperBound ? ZMQ_SNDMORE : 0)
            // The last frame carries the charge: it is the last to be sent.
            let isLast = flags & ZMQ_SNDMORE == 0
            let charge = isLast ? charge : nil
            let status =
                isUnique && charge == nil
                ? unsafe sendFrame(message.storage.frame(at: index), flags: flags)
                : unsafe message.storage.withSendableCopy(at: index, charge: charge) {
                    unsafe sendFrame($0, flags: flags)
                }
            if status != 0 { return try notSent(status, isFirst: isStart && index == range.lowerBound) }
        }
        return .sent
    }

    /// Returns 0 or the error number.
    @inline(__always)
    private func sendFrame(_ frame: UnsafeMutablePointer<zmq_msg_t>, flags: Int32) -> Int32 {
        while unsafe zmq_msg_send(frame, handle, flags) < 0 {
            let code = zmq_errno()
            if code != EINTR { return code }
        }
        return 0
    }
}
