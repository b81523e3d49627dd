import Testing

/// Tests that start programs, one after the other: a machine on which all of them run at once stalls each of them for longer than a
/// lease, and then it serves nobody, as it should.
@Suite(.serialized, .enabled(if: Tool.canRun, Tool.reason))
enum Processes {}
