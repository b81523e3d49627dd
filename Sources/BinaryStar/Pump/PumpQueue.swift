/// What other threads hand to a pump, and the rule by which they wake it or start its thread.
struct PumpQueue: ~Copyable, Sendable {
    enum Work {
        /// A piece of an actor's call.
        case job(UnownedJob)
        /// A piece of a task that prefers the pump.
        case task(UnownedJob, PumpTaskExecutor)
        /// Something that a pump's tenant wants to be called for.
        case signal(PumpSignal)
    }

    /// What whoever added work has to do for it to be seen.
    enum Nudge {
        /// The pump will look by itself before it sleeps.
        case none
        /// The pump sleeps, and nobody has woken it yet.
        case wake
        /// The pump has no thread at the moment.
        case startThread
    }

    enum Thread {
        case absent, awake, asleep
    }

    // Not private: the compiler (6.3) cannot lay out a class that holds a lock over a type private to another file.
    struct State {
        var work: [Work] = []
        var thread = Thread.absent
    }

    private let state = Lock(State())

    func add(_ item: Work) -> Nudge {
        state.withLock { state in
            state.work.append(item)
            switch state.thread {
            case .awake: return .none
            case .asleep:
                state.thread = .awake
                return .wake
            case .absent:
                state.thread = .awake
                return .startThread
            }
        }
    }

    var isEmpty: Bool { state.withLock { $0.work.isEmpty } }

    /// Swaps all work into `batch`, which must be empty.
    func take(into batch: inout [Work]) {
        batch = state.withLock { [batch] in
            let work = $0.work
            $0.work = batch
            return work
        }
    }

    enum Rest {
        /// There is work: do not sleep.
        case work
        /// Sleep. Whoever adds work from now on wakes the pump.
        case sleep
        /// The thread must end. Whoever adds work from now on starts another one.
        case end
    }

    /// Asks whether the pump's thread may sleep, or end if it has nothing to watch.
    func rest(isIdle: Bool) -> Rest {
        state.withLock { state in
            guard state.work.isEmpty else { return .work }
            state.thread = isIdle ? .absent : .asleep
            return isIdle ? .end : .sleep
        }
    }

    /// Takes note that the pump is awake.
    func wakeUp() {
        state.withLock { $0.thread = .awake }
    }
}
