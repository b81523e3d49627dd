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

extension Pump: TaskExecutor {
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }
}
