extension Pump: SerialExecutor {
    /// Takes a job of an actor or a task. Any thread may call this.
    public func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    public func checkIsolated() {
        precondition(isCurrentThread, "expected to run on the pump's thread")
    }

    public func isIsolatingCurrentContext() -> Bool? {
        isCurrentThread
    }
}

extension Pump {
    /// Runs tasks on the pump's thread, with `Task(executorPreference:)`. Such a task must never block.
    ///
    /// An object of its own, because an actor's job that ran with a task executor too would be queued again at every `await`.
    public var taskExecutor: any TaskExecutor { PumpTaskExecutor(pump: self) }
}

/// A pump as the executor that tasks prefer.
final class PumpTaskExecutor: TaskExecutor {
    private let pump: Pump

    init(pump: Pump) {
        self.pump = pump
    }

    func enqueue(_ job: consuming ExecutorJob) {
        pump.add(.task(UnownedJob(job), self))
    }
}
