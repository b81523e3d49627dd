/// Chooses one of several pairs for a key, so that every client chooses the same and a change of the pairs moves as few keys as
/// can be: when a pair goes, only its own keys move, and a new one takes its share from all the others alike.
///
/// Source: Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous" (1996). The weight of a pair for a key is the
/// 64-bit FNV-1a hash of the pair's name, a zero byte and the key, all in UTF-8, finished as in MurmurHash3 (`fmix64`). The
/// greatest weight wins; of equal ones the name that comes first in the order of its bytes.
public enum RendezvousHash {
    /// The pair for `key`, or `nil` if there are none. The order of `names` does not matter.
    public static func pair(for key: String, among names: some Sequence<String>) -> String? {
        var best: (name: String, weight: UInt64)?
        for name in names {
            let weight = weight(of: name, for: key)
            if let best {
                guard weight >= best.weight else { continue }
                if weight == best.weight, !name.utf8.lexicographicallyPrecedes(best.name.utf8) { continue }
            }
            best = (name, weight)
        }
        return best?.name
    }

    static func weight(of name: String, for key: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for byte in name.utf8 { add(byte) }
        add(0)
        for byte in key.utf8 { add(byte) }
        // Without this the last bytes of similar keys would leave the upper bits, which decide, much alike.
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}
