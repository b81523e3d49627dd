import BinaryStarCore
import Logging
import ServiceLifecycle

extension BinaryStar {
    /// The star's role, now and from now on.
    ///
    /// Every access is a subscription of its own: it gets the present role first, then every change in order, and ends
    /// when the star stops. A slow subscriber loses nothing.
    ///
    /// A role other than active is announced only after every body of ``whileActive(_:)`` has ended.
    ///
    /// Source: zguide, chapter 4, `bstar_new_active` and `bstar_new_passive`.
    public nonisolated var roles: AsyncStream<Role> { roleBroadcast.subscribe() }

    /// Every change of role from now on, with its cause and its time. Ends when the star stops.
    public nonisolated var events: AsyncStream<RoleChange> { changeBroadcast.subscribe() }

    /// Runs `body` whenever the star is active, and returns when the star has stopped, or when the task is cancelled or told
    /// to shut down gracefully.
    ///
    /// The body is a child task of the caller. It is cancelled when the star ceases to be active, and
    /// has ended before the next role is announced by ``roles``, and before a handover lets the peer become active; so it
    /// should end soon when it is cancelled. A body that
    /// returns by itself is called again at the next activation.
    ///
    /// - Throws: what `body` throws, other than `CancellationError` after it was cancelled.
    public nonisolated func whileActive(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await cancelWhenGracefulShutdown { [activeScope] in try await activeScope.runWheneverOpen(body) }
    }

    /// Until when a process outside of this one may act for this server: while ``lease`` is valid. After a stop in order with
    /// nobody to hand over to, it has `grace` to end.
    package func leaseEnd(grace: Duration) -> MonotonicTime {
        if case .success = end, member.role == .active { return .now + grace }
        return lease.latestEnd
    }

    /// Writes a change to the state directory, if there is one.
    private nonisolated func keep(_ change: RoleChange) {
        do throws(BinaryStarError) {
            try transitionLog?.append(TransitionRecord(change, seat: configuration.seat).line)
        } catch {
            logger.warning("cannot keep a change of role", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Announces role changes to the application, one after the other.
    nonisolated func announce(_ changes: AsyncStream<RoleChange>) async {
        for await change in changes {
            defer { keep(change) }
            guard change.from != change.to else {
                changeBroadcast.send(change)
                continue
            }
            if change.to == .active {
                activeScope.open()
            } else {
                await activeScope.close()
            }
            roleBroadcast.send(change.to)
            changeBroadcast.send(change)
        }
        await activeScope.finish()
        roleBroadcast.finish()
        changeBroadcast.finish()
    }
}
