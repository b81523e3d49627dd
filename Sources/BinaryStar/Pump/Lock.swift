import CZeroMQ
import Synchronization

/// A mutex and the state that it guards, as `Mutex`, and visible to ThreadSanitizer.
///
/// On Linux the standard library's mutex is made of atomics in code that the sanitizer does not see, so that it would take
/// every access under it for a race.
package struct Lock<State>: ~Copyable {
    private let mutex: Mutex<State>

    package init(_ state: consuming sending State) {
        mutex = Mutex(state)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock { state throws(Failure) in
            czmq_tsan_acquire()
            defer { czmq_tsan_release() }
            return try body(&state)
        }
    }
}
