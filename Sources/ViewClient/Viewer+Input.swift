extension Viewer {
    /// Presses or lets go of a key, by its X keysym (RFC 6143 §7.5.4).
    public func key(_ keysym: UInt32, down: Bool, within patience: Duration = .seconds(5)) throws(ViewError) {
        try channel.send([4, down ? 1 : 0, 0, 0] + keysym.bigEndianBytes, by: Deadline(after: patience))
    }

    /// Types ASCII text; a newline is the Return key.
    public func type(_ text: String, within patience: Duration = .seconds(5)) throws(ViewError) {
        for byte in text.utf8 {
            let keysym: UInt32 = byte == UInt8(ascii: "\n") ? 0xff0d : UInt32(byte)
            try key(keysym, down: true, within: patience)
            try key(keysym, down: false, within: patience)
        }
    }

    /// Moves the pointer, with the buttons that are down: bit 0 left, 1 middle, 2 right (RFC 6143 §7.5.5).
    public func point(
        x: Int, y: Int, buttons: UInt8 = 0, within patience: Duration = .seconds(5)
    ) throws(ViewError) {
        try channel.send(
            [5, buttons] + UInt16(clamping: x).bigEndianBytes + UInt16(clamping: y).bigEndianBytes,
            by: Deadline(after: patience))
    }

    /// Puts text on the desktop's clipboard (RFC 6143 §7.5.6).
    public func clipboard(_ text: String, within patience: Duration = .seconds(5)) throws(ViewError) {
        let bytes = Array(text.utf8)
        try channel.send(
            [6, 0, 0, 0] + UInt32(clamping: bytes.count).bigEndianBytes + bytes, by: Deadline(after: patience))
    }

    /// Asks for another size with the portal's own message 32.
    public func requestSize(
        width: Int, height: Int, within patience: Duration = .seconds(5)
    ) throws(ViewError) {
        try channel.send(
            [32, 42] + UInt16(clamping: width).bigEndianBytes + UInt16(clamping: height).bigEndianBytes,
            by: Deadline(after: patience))
    }

    /// Asks for another size with SetDesktopSize (message 251) and waits for the answer; false when the display
    /// refuses it. The viewer must have been opened as one that follows sizes.
    public func setDesktopSize(
        width: Int, height: Int, within patience: Duration = .seconds(5)
    ) throws(ViewError) -> Bool {
        let deadline = Deadline(after: patience)
        if screen == nil { _ = try frame(within: patience) }
        let size = UInt16(clamping: width).bigEndianBytes + UInt16(clamping: height).bigEndianBytes
        let (id, flags) = screen ?? (0, 0)
        sizeStatus = nil
        try channel.send(
            [251, 0] + size + [1, 0] + id.bigEndianBytes + [0, 0, 0, 0] + size + flags.bigEndianBytes, by: deadline)
        // The answer comes as an update, and an update has to be asked for.
        try request(incremental: true, by: deadline)
        while true {
            if let sizeStatus { return sizeStatus == 0 }
            try readMessage(by: deadline)
        }
    }
}
