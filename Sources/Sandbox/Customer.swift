import ELTCore

/// A customer as the service has it, small enough that a million fit in 40 MB.
struct Customer {
    var created: Int64
    var updated: Int64
    var version: Int32
    /// 0: from the name; else a number in it.
    var mail: UInt32
    var phone: Phone
    var house: UInt16
    var name: UInt8
    var firstName: UInt8
    var street: UInt8
    var city: UInt8
    var status: Status

    enum Status: UInt8 { case active, prospect, inactive }

    /// A number; or none, as the customer gave none; or what the service put there since.
    enum Phone: Equatable {
        case none, filled
        case number(UInt32)
    }

    init(number: Int, created: Int64, _ random: inout RandomStream) {
        self.created = created
        updated = created
        version = 1
        mail = 0
        phone = random.happens(0.06) ? .none : .number(UInt32(1_000_000 + random.below(8_999_999)))
        house = UInt16(1 + random.below(199))
        name = UInt8(random.below(People.names.count))
        firstName = UInt8(random.below(People.firstNames.count))
        street = UInt8(random.below(People.streets.count))
        city = UInt8(random.below(People.cities.count))
        status = random.happens(0.9) ? .active : .prospect
    }

    /// Something that happens to people: they move, marry, change their number.
    mutating func change(_ random: inout RandomStream) {
        switch random.below(100) {
        case ..<40:
            street = UInt8(random.below(People.streets.count))
            house = UInt16(1 + random.below(199))
            city = UInt8(random.below(People.cities.count))
        case ..<60: phone = .number(UInt32(1_000_000 + random.below(8_999_999)))
        case ..<80: mail = UInt32(1 + random.below(999_999))
        case ..<90: name = UInt8(random.below(People.names.count))
        // Nothing that a column shows: the service writes the record anyway.
        case ..<94: break
        default: status = .active
        }
    }

    // MARK: JSON

    /// The record, as the service's listing and the events have it.
    func append(number: Int, to json: inout [UInt8]) {
        json.append(text: #"{"id":""#)
        Self.appendID(number, to: &json)
        json.append(text: #"","name":""#)
        json += People.names[Int(name)]
        json.append(text: #"","firstname":""#)
        json += People.firstNames[Int(firstName)]
        json.append(text: #"","street":""#)
        json += People.streets[Int(street)]
        json.append(UInt8(ascii: " "))
        json.append(number: Int64(house))
        json.append(text: #"","zip":""#)
        let city = People.cities[Int(city)]
        json.appendDigits(city.zip + Int64(house) % 8, width: 5)
        json.append(text: #"","city":""#)
        json += city.name
        json.append(text: #"","email":""#)
        json += People.plainFirstNames[Int(firstName)]
        json.append(UInt8(ascii: "."))
        json += People.plainNames[Int(name)]
        json.append(UInt8(ascii: "."))
        json.append(number: mail == 0 ? Int64(number) : Int64(mail))
        json.append(text: #"@example.org","phone":"#)
        switch phone {
        case .none: json.append(text: "null")
        case .filled: json.append(text: #""unbekannt""#)
        case .number(let number):
            json.append(text: #""+49 40 "#)
            json.append(number: Int64(number))
            json.append(UInt8(ascii: "\""))
        }
        json.append(text: #","status":""#)
        json.append(text: status == .active ? "active" : status == .prospect ? "prospect" : "inactive")
        json.append(text: #"","created_at":""#)
        Instant(milliseconds: created).append(to: &json)
        json.append(text: #"","updated_at":""#)
        Instant(milliseconds: updated).append(to: &json)
        json.append(text: #"","version":"#)
        json.append(number: Int64(version))
        json.append(UInt8(ascii: "}"))
    }

    /// `c-000001` for the first.
    static func appendID(_ number: Int, to bytes: inout [UInt8]) {
        bytes.append(text: "c-")
        bytes.appendDigits(Int64(number), width: number < 1_000_000 ? 6 : number < 100_000_000 ? 8 : 12)
    }

    /// The number in an identifier; nil if it isn't one.
    static func number(ofID id: some StringProtocol) -> Int? {
        guard id.hasPrefix("c-"), let number = Int(id.dropFirst(2)), number > 0 else { return nil }
        var bytes: [UInt8] = []
        appendID(number, to: &bytes)
        return Array(id.utf8) == bytes ? number : nil
    }
}

extension [UInt8] {
    @inline(__always)
    mutating func append(text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A number that isn't negative, without leading zeros.
    @inline(__always)
    mutating func append(number: Int64) {
        var width = 1
        var limit: Int64 = 10
        while number >= limit, width < 18 {
            width += 1
            limit *= 10
        }
        appendDigits(number, width: width)
    }
}
