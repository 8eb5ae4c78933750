import CMariaDB

/// The values of one execution, in the form libmariadb reads: alive as long as this object.
final class Parameters {
    let binds: UnsafeMutablePointer<MYSQL_BIND>
    private let count: Int
    private var owned: [UnsafeMutableRawPointer] = []

    init(_ values: [BoundValue]) {
        count = values.count
        binds = .allocate(capacity: max(1, count))
        binds.initialize(repeating: MYSQL_BIND(), count: max(1, count))
        for (index, value) in values.enumerated() {
            switch value {
            case .null: binds[index].buffer_type = MYSQL_TYPE_NULL
            case .integer(let number): bind(number, at: index, as: MYSQL_TYPE_LONGLONG)
            case .unsigned(let number):
                bind(number, at: index, as: MYSQL_TYPE_LONGLONG)
                binds[index].is_unsigned = 1
            case .real(let number): bind(number, at: index, as: MYSQL_TYPE_DOUBLE)
            case .text(let text): bind(Array(text.utf8), at: index)
            }
        }
    }

    deinit {
        for memory in owned { memory.deallocate() }
        binds.deallocate()
    }

    private func bind<Number>(_ number: Number, at index: Int, as type: enum_field_types) {
        let memory = UnsafeMutablePointer<Number>.allocate(capacity: 1)
        memory.initialize(to: number)
        owned.append(UnsafeMutableRawPointer(memory))
        binds[index].buffer_type = type
        binds[index].buffer = UnsafeMutableRawPointer(memory)
    }

    private func bind(_ bytes: [UInt8], at index: Int) {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
        memory.initialize(from: bytes, count: bytes.count)
        let length = UnsafeMutablePointer<UInt>.allocate(capacity: 1)
        length.initialize(to: UInt(bytes.count))
        owned.append(UnsafeMutableRawPointer(memory))
        owned.append(UnsafeMutableRawPointer(length))
        binds[index].buffer_type = MYSQL_TYPE_STRING
        binds[index].buffer = UnsafeMutableRawPointer(memory)
        binds[index].buffer_length = UInt(bytes.count)
        binds[index].length = length
    }
}

/// Where libmariadb puts one row; every column is asked for as text.
final class ResultBuffers {
    /// Enough for nearly every cell; longer ones are fetched again.
    private static let usualLength = 256

    let binds: UnsafeMutablePointer<MYSQL_BIND>
    private let memory: UnsafeMutablePointer<UInt8>
    private let lengths: UnsafeMutablePointer<UInt>
    private let nulls: UnsafeMutablePointer<my_bool>
    private let errors: UnsafeMutablePointer<my_bool>

    init(columns: Int) {
        let count = max(1, columns)
        binds = .allocate(capacity: count)
        memory = .allocate(capacity: count * Self.usualLength)
        lengths = .allocate(capacity: count)
        nulls = .allocate(capacity: count)
        errors = .allocate(capacity: count)
        binds.initialize(repeating: MYSQL_BIND(), count: count)
        memory.initialize(repeating: 0, count: count * Self.usualLength)
        lengths.initialize(repeating: 0, count: count)
        nulls.initialize(repeating: 0, count: count)
        errors.initialize(repeating: 0, count: count)
        for column in 0..<columns {
            binds[column].buffer_type = MYSQL_TYPE_STRING
            binds[column].buffer = UnsafeMutableRawPointer(memory + column * Self.usualLength)
            binds[column].buffer_length = UInt(Self.usualLength)
            binds[column].length = lengths + column
            binds[column].is_null = nulls + column
            binds[column].error = errors + column
        }
    }

    deinit {
        binds.deallocate()
        memory.deallocate()
        lengths.deallocate()
        nulls.deallocate()
        errors.deallocate()
    }

    /// The fetched row's cell; nil for NULL.
    func text(of column: Int, in statement: UnsafeMutablePointer<MYSQL_STMT>) -> String? {
        guard nulls[column] == 0 else { return nil }
        let length = Int(lengths[column])
        if length <= Self.usualLength {
            return String(
                decoding: UnsafeBufferPointer(start: memory + column * Self.usualLength, count: length), as: UTF8.self)
        }
        let long = UnsafeMutablePointer<UInt8>.allocate(capacity: length)
        defer { long.deallocate() }
        var whole = UInt(length)
        var bind = MYSQL_BIND()
        bind.buffer_type = MYSQL_TYPE_STRING
        bind.buffer = UnsafeMutableRawPointer(long)
        bind.buffer_length = whole
        return withUnsafeMutablePointer(to: &whole) { wholeLength in
            bind.length = wholeLength
            guard mysql_stmt_fetch_column(statement, &bind, UInt32(column), 0) == 0 else { return nil }
            return String(decoding: UnsafeBufferPointer(start: long, count: length), as: UTF8.self)
        }
    }
}
