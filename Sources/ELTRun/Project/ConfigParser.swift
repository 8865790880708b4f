import ELTCore
import Yams

/// Reads the text of `elt.yml` into nodes with places; all of YAML's own troubles end here.
struct ConfigParser {
    let interpolation: Interpolation
    let faults: ProjectFaults
    /// What came from `${file:…}`.
    private(set) var fileTexts: [String] = []
    private var nodeCount = 0

    /// Deeper than any setting stands, and far from what the stack can bear.
    private static let depthMax = 32
    /// A file that says more, or says it through aliases of aliases, isn't a configuration.
    private static let nodesMax = 20_000
    private static let duplicatesMax = 50
    /// Each of them has the text parsed once more.
    private static let parsedMax = 1 << 20

    init(interpolation: Interpolation, faults: ProjectFaults) {
        self.interpolation = interpolation
        self.faults = faults
    }

    /// The file's one document; nil if it can't be read, which `faults` then tells.
    mutating func parse(_ bytes: [UInt8]) -> ConfigNode? {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            faults.error(Self.placeOfBadByte(bytes), "these bytes aren't UTF-8; save the file as UTF-8.")
            return nil
        }
        let scalars = Array(text.unicodeScalars)
        if let index = scalars.firstIndex(where: ConfigMarks.isMark) {
            faults.error(
                Self.place(of: index, in: scalars),
                "the private-use character U+\(String(scalars[index].value, radix: 16).uppercased()) "
                    + "isn't allowed here.")
            return nil
        }
        let hidden = ConfigMarks.hide(scalars)
        if let place = NameGuard.collectionAsName(hidden) {
            faults.error(
                place,
                "a list, mapping or alias can't be a name; if this is part of a text, put the text in quotes.")
            return nil
        }
        guard let root = compose(hidden) else { return nil }
        let place = root.mark.map(Place.init) ?? Place(line: 1, column: 1)
        return node(root, name: place, path: "", depth: 0)
    }

    // MARK: Yams

    /// Parses; where a name is set twice, notes that, makes the second one another name and goes on,
    /// so that the rest of the file is checked too.
    private func compose(_ hidden: [Unicode.Scalar]) -> Node? {
        var text = hidden
        for _ in 0..<max(1, min(Self.duplicatesMax, Self.parsedMax / max(1, text.count))) {
            do {
                var view = String.UnicodeScalarView()
                view.append(contentsOf: text)
                // Without rules all is text: we read types ourselves, and `1` and "1" are one name.
                let parser = try Yams.Parser(yaml: String(view), resolver: .basic, encoding: .utf8)
                if let root = try parser.singleRoot() { return root }
                faults.error(Place(line: 1, column: 1), "the file is empty; 'elt init' writes an example.")
                return nil
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let name = names.first ?? ""
                let first = Place(context.mark)
                guard let second = Self.secondIndex(of: name, after: first, in: text) else {
                    faults.error(first, "\(Wording.quoted(ConfigMarks.show(name))) is set twice here.")
                    return nil
                }
                faults.error(
                    Self.place(of: second, in: text),
                    "\(Wording.quoted(ConfigMarks.show(name))) is set twice; "
                        + "the first is in line \(first.line)."
                )
                text[second] = ConfigMarks.twice
            } catch {
                let (place, problem) = Self.explain(error)
                faults.error(place, "this isn't YAML: \(problem).")
                return nil
            }
        }
        return nil
    }

    private static func explain(_ error: any Error) -> (Place, String) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            var text = ConfigMarks.show(problem)
            if let context { text += " (\(context.text.trimmed) from line \(context.mark.line))" }
            return (Place(mark), text)
        case .reader(let problem, let offset, _, let yaml):
            let scalars = Array(yaml.prefix(offset ?? 0).unicodeScalars)
            return (place(of: scalars.count, in: scalars), problem)
        default:
            return (Place(line: 1, column: 1), "it can't be parsed")
        }
    }

    /// The index of the first character of the second `name` in the mapping whose first is at `first`:
    /// further right in the same line, or in a later line at the same column.
    private static func secondIndex(of name: String, after first: Place, in text: [Unicode.Scalar]) -> Int? {
        let wanted = Array(name.unicodeScalars)
        guard !wanted.isEmpty else { return nil }
        var line = 1
        var column = 1
        for index in text.indices {
            defer {
                if text[index] == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
            }
            guard text[index] == wanted[0], Place(line: line, column: column) > first,
                text[index...].starts(with: wanted)
            else { continue }
            if let before = text[..<index].last, !" \n\t{,'\"".unicodeScalars.contains(before) { continue }
            let after = text[(index + wanted.count)...].drop { " '\"".unicodeScalars.contains($0) }
            guard after.first == ":" else { continue }
            let isQuoted = index > 0 && "'\"".unicodeScalars.contains(text[index - 1])
            if line == first.line || column - (isQuoted ? 1 : 0) == first.column { return index }
        }
        return nil
    }

    // MARK: Nodes

    private mutating func node(_ yaml: Node, name: Place, path: String, depth: Int) -> ConfigNode {
        let place = yaml.mark.map(Place.init) ?? name
        var node = ConfigNode(place: place, namePlace: name, path: path, content: .unknown)
        nodeCount += 1
        guard depth <= Self.depthMax else {
            faults.error(place, "this is nested more than \(Self.depthMax) levels deep.")
            return node
        }
        guard nodeCount <= Self.nodesMax else {
            if nodeCount == Self.nodesMax + 1 {
                faults.error(
                    place, "the file has more than \(Self.nodesMax) values, counting each use of an alias.")
            }
            return node
        }
        if let tag = Self.strangeTag(yaml) {
            faults.error(place, "the tag \(Wording.quoted(tag)) isn't supported; write the value without it.")
            return node
        }
        switch yaml {
        case .scalar(let scalar): node.content = content(of: scalar, place: place, path: path)
        case .sequence(let items):
            var list: [ConfigNode] = []
            for (index, item) in items.enumerated() {
                let itemPlace = item.mark.map(Place.init) ?? place
                list.append(self.node(item, name: itemPlace, path: "\(path)[\(index)]", depth: depth + 1))
            }
            node.content = .list(list)
        case .mapping(let mapping):
            node.content = .mapping(fields(of: mapping, in: node, depth: depth))
        case .alias: faults.error(place, "this alias can't be resolved.")
        }
        return node
    }

    private mutating func fields(of mapping: Node.Mapping, in node: ConfigNode, depth: Int) -> [ConfigField] {
        var own: [ConfigField] = []
        var merged: [ConfigField] = []
        for (key, value) in mapping {
            let place = key.mark.map(Place.init) ?? node.place
            guard case .scalar(let scalar) = key else {
                faults.error(place, "expected a name, found a list or a mapping.")
                continue
            }
            if scalar.string == "<<", scalar.style == .plain {
                merged += mergedFields(value, in: node, depth: depth)
                continue
            }
            // The second of a name that's set twice: told already.
            if scalar.string.unicodeScalars.first == ConfigMarks.twice { continue }
            let name = ConfigMarks.show(scalar.string)
            if name.contains("${") {
                faults.error(place, "'${…}' is replaced in values only, not in names.")
                continue
            }
            own.append(
                ConfigField(
                    name: name, place: place,
                    value: self.node(value, name: place, path: node.appending(name), depth: depth + 1)))
        }
        // What the mapping says itself wins over what it takes from elsewhere; of those the first wins.
        for field in merged where !own.contains(where: { $0.name == field.name }) { own.append(field) }
        return own
    }

    /// `<<: *name` or `<<: [*a, *b]`.
    private mutating func mergedFields(_ value: Node, in node: ConfigNode, depth: Int) -> [ConfigField] {
        let sources: [Node] =
            if case .sequence(let items) = value { Array(items) } else { [value] }
        var fields: [ConfigField] = []
        for source in sources {
            nodeCount += 1
            guard case .mapping(let mapping) = source, depth < Self.depthMax, nodeCount <= Self.nodesMax
            else {
                faults.error(node.place, "'<<' takes an alias of a mapping, or a list of them.")
                return []
            }
            fields += self.fields(of: mapping, in: node, depth: depth + 1)
        }
        return fields
    }

    private mutating func content(of scalar: Node.Scalar, place: Place, path: String) -> ConfigNode.Content {
        let isQuoted = scalar.style != .plain && scalar.style != .any
        let raw = ConfigMarks.show(scalar.string)
        if !isQuoted, ["", "~", "null", "Null", "NULL"].contains(raw) { return .nothing }
        switch interpolation.resolve(raw) {
        case .failure(let failure):
            faults.error(place, (path.isEmpty ? "" : "\(path): ") + failure.message + ".")
            return .unknown
        case .success(let result):
            fileTexts += result.fileTexts
            return .text(
                ConfigText(
                    value: result.text, isQuoted: isQuoted, isLiteral: result.isLiteral,
                    isFromFile: !result.fileTexts.isEmpty))
        }
    }

    /// A tag such as `!ENV`, that would otherwise be dropped in silence.
    private static func strangeTag(_ node: Node) -> String? {
        let tag =
            switch node {
            case .scalar(let scalar): scalar.tag.description
            case .sequence(let sequence): sequence.tag.description
            case .mapping(let mapping): mapping.tag.description
            case .alias: ""
            }
        return tag.isEmpty || tag == "!" || tag.hasPrefix("tag:yaml.org,2002:") ? nil : tag
    }

    // MARK: Places

    private static func place(of index: Int, in text: [Unicode.Scalar]) -> Place {
        let before = text[..<index]
        let line = before.count { $0 == "\n" } + 1
        let start = before.lastIndex(of: "\n").map { $0 + 1 } ?? 0
        return Place(line: line, column: index - start + 1)
    }

    private static func placeOfBadByte(_ bytes: [UInt8]) -> Place {
        var line = 1
        for part in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil {
                // Decoding puts U+FFFD where the first bad byte stands.
                let repaired = Array(String(decoding: part, as: UTF8.self).unicodeScalars)
                return Place(line: line, column: (repaired.firstIndex(of: "\u{FFFD}") ?? 0) + 1)
            }
            line += 1
        }
        return Place(line: 1, column: 1)
    }
}

extension Place {
    fileprivate init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
