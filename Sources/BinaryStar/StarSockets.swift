/// Everything of a star that its pump watches. Used on the pump's thread only.
final class StarSockets {
    var peerLink: PeerLink?
    var timer: PumpTimer?
    var voters: [Int: Voter] = [:]
    var voterCount = 0
    var channels: [Int: ChannelPort] = [:]
    var channelCount = 0
    var control: ControlPort?
    /// Who keeps a record of what the star does, if anybody.
    var observer: Observation.Observer?

    var isEmpty: Bool { peerLink == nil && timer == nil && voters.isEmpty && channels.isEmpty && control == nil }

    /// The sockets that listen, with their endpoints.
    var listening: [(PumpedSocket, [String])] {
        var listening = voters.values.map { ($0.pumped, [$0.endpoint]) }
        if let peerLink { listening.append((peerLink.publisher, peerLink.endpoints)) }
        listening += channels.values.map { ($0.pumped, $0.boundEndpoints) }
        return listening
    }

    /// Closes every socket. libzmq frees their endpoints a moment later, see ``ListenerClosing``.
    func close(in loop: PumpLoop) {
        if let timer { loop.remove(timer) }
        timer = nil
        peerLink?.close(in: loop)
        peerLink = nil
        for voter in voters.values { loop.remove(voter.pumped) }
        voters = [:]
        for port in channels.values { port.close(in: loop) }
        channels = [:]
        control?.close(in: loop)
        control = nil
    }
}
