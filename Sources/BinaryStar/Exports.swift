// What the package's interface speaks of: the pattern's words and ZeroMQ's messages.
@_exported public import BinaryStarCore

@_exported public import struct ZeroMQ.Frame
@_exported public import struct ZeroMQ.Message
@_exported public import struct ZeroMQ.ZeroMQError
