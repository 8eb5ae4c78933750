extension Viewer {
    /// Asks for the whole desktop and waits until all of it was drawn anew.
    public func frame(within patience: Duration = .seconds(10)) throws(ViewError) -> Picture {
        try wholeFrame(by: Deadline(after: patience))
        return picture
    }

    /// Draws on until `condition` holds of the picture, from a whole frame on.
    public func frame(
        within patience: Duration = .seconds(10), until condition: (Picture) -> Bool
    ) throws(ViewError) -> Picture {
        let deadline = Deadline(after: patience)
        try wholeFrame(by: deadline)
        while !condition(picture) {
            try request(incremental: true, by: deadline)
            let before = updates
            while updates == before { try readMessage(by: deadline) }
        }
        return picture
    }

    /// Waits for one incremental update; the desktop has to change for it.
    public func update(within patience: Duration = .seconds(10)) throws(ViewError) -> Picture {
        let deadline = Deadline(after: patience)
        try request(incremental: true, by: deadline)
        let before = updates
        while updates == before { try readMessage(by: deadline) }
        return picture
    }

    /// Waits until the gateway or the display ends this view; throws ``ViewError/timedOut(waitingFor:)`` when it goes
    /// on.
    public func waitForEnd(within patience: Duration = .seconds(10)) throws(ViewError) {
        let deadline = Deadline(after: patience)
        do throws(ViewError) {
            while true { try readMessage(by: deadline) }
        } catch .closed {
            return
        }
    }

    private func wholeFrame(by deadline: Deadline) throws(ViewError) {
        var size = (0, 0)
        while freshPixels < picture.width * picture.height || size != (picture.width, picture.height) {
            if size != (picture.width, picture.height) {
                // The desktop took another size meanwhile: what came belongs to the old one.
                size = (picture.width, picture.height)
                freshPixels = 0
                try request(incremental: false, by: deadline)
            } else {
                // TigerVNC 1.12 answers a first request with sizes alone, and counts it as answered; the pixels it owes
                // come with the next.
                try request(incremental: true, by: deadline)
            }
            let before = updates
            while updates == before { try readMessage(by: deadline) }
        }
        freshPixels = 0
    }

    /// FramebufferUpdateRequest, RFC 6143 §7.5.3.
    func request(incremental: Bool, by deadline: Deadline) throws(ViewError) {
        try channel.send(
            [3, incremental ? 1 : 0, 0, 0, 0, 0] + UInt16(picture.width).bigEndianBytes
                + UInt16(picture.height).bigEndianBytes, by: deadline)
    }

    /// One server message, RFC 6143 §7.6.
    func readMessage(by deadline: Deadline) throws(ViewError) {
        let kind: UInt8 = try reader.number("a message of the display", by: deadline)
        switch kind {
        case 0:
            try readUpdate(by: deadline)
        case 1:
            let head = try reader.take(5, "a colour map", by: deadline)
            _ = try reader.take((Int(head[3]) << 8 | Int(head[4])) * 6, "a colour map", by: deadline)
        case 2:
            bells += 1
        case 3:
            _ = try reader.take(3, "a clipboard", by: deadline)
            _ = try reader.text("a clipboard", by: deadline)
        case 32:
            _ = try reader.take(3, "a client action", by: deadline)
            actions.append(try reader.text("a client action", by: deadline))
        default:
            throw .broken("a message of kind \(kind)")
        }
    }

    private func readUpdate(by deadline: Deadline) throws(ViewError) {
        _ = try reader.take(1, "an update", by: deadline)
        let count: UInt16 = try reader.number("an update", by: deadline)
        for _ in 0..<count { try readRectangle(by: deadline) }
        updates += 1
    }

    private func readRectangle(by deadline: Deadline) throws(ViewError) {
        let x = try short("a rectangle", by: deadline)
        let y = try short("a rectangle", by: deadline)
        let width = try short("a rectangle", by: deadline)
        let height = try short("a rectangle", by: deadline)
        let number = try reader.number("a rectangle", by: deadline) as Int32
        guard let encoding = Encoding(rawValue: number) else { throw .broken("a rectangle of encoding \(number)") }
        switch encoding {
        case .raw:
            guard picture.contains(x, y, width, height) else { throw .broken("a rectangle outside of the desktop") }
            for row in 0..<height {
                picture.setRow(y + row, from: x, try reader.take(width * 4, "pixels", by: deadline))
            }
            freshPixels += width * height
        case .copyRect:
            let sourceX = try short("a copy's source", by: deadline)
            let sourceY = try short("a copy's source", by: deadline)
            guard picture.contains(x, y, width, height), picture.contains(sourceX, sourceY, width, height) else {
                throw .broken("a copy outside of the desktop")
            }
            picture.copy(from: (sourceX, sourceY), to: (x, y), width: width, height: height)
            freshPixels += width * height
        case .hextile:
            guard picture.contains(x, y, width, height) else { throw .broken("a rectangle outside of the desktop") }
            try readHextile(x, y, width, height, by: deadline)
            freshPixels += width * height
        case .desktopSize:
            try resize(to: width, height)
        case .extendedDesktopSize:
            let screens = Int(try reader.take(4, "the desktop's screens", by: deadline)[0])
            for index in 0..<screens {
                let bytes = try reader.take(16, "the desktop's screens", by: deadline)
                if index == 0 { screen = (number32(bytes[0..<4]), number32(bytes[12..<16])) }
            }
            // x says who changed it: 1 this viewer, and then y how that went.
            if x == 1 { sizeStatus = UInt16(y) }
            if x != 1 || y == 0 { try resize(to: width, height) }
        }
    }

    private func short(_ what: String, by deadline: Deadline) throws(ViewError) -> Int {
        let value: UInt16 = try reader.number(what, by: deadline)
        return Int(value)
    }

    /// Starts a new picture when the size is another one; at most 64 million pixels.
    func resize(to width: Int, _ height: Int) throws(ViewError) {
        guard width > 0, height > 0, width * height <= 64_000_000 else {
            throw .broken("a desktop of \(width)x\(height)")
        }
        guard (width, height) != (picture.width, picture.height) else { return }
        picture = Picture(width: width, height: height)
    }
}

private func number32(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
