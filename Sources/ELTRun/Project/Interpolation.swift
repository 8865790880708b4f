import ELTCore
import Foundation

/// Replaces `${NAME}`, `${NAME:-default}` and `${file:/path}` in the texts of `elt.yml`.
///
/// It works on values that YAML has read already, never on the file's text: what a variable holds
/// can't become a setting, a comment or another value. `$${` stands for `${` itself.
struct Interpolation {
    var environment: [String: String]
    /// The project's folder, from which relative paths of files start.
    var folder: String

    struct Result: Equatable {
        var text: String
        /// Nothing came from the environment or a file.
        var isLiteral = true
        /// What came from files; secrets by definition.
        var fileTexts: [String] = []
    }

    struct Failure: Error, Equatable { var message: String }

    func resolve(_ raw: String) -> Swift.Result<Result, Failure> {
        var result = Result(text: "")
        var rest = raw[...]
        while let dollar = rest.firstIndex(of: "$") {
            result.text += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result.text += "${"
                rest = rest.dropFirst(3)
                continue
            }
            guard rest.hasPrefix("${") else {
                result.text += "$"
                rest = rest.dropFirst()
                continue
            }
            guard let close = rest.firstIndex(of: "}") else {
                return .failure(Failure(message: "a '${' without its '}'; write '$${' for a plain '${'"))
            }
            let inside = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<close])
            rest = rest[rest.index(after: close)...]
            if let failure = replace(inside, in: &result) { return .failure(failure) }
        }
        result.text += rest
        return .success(result)
    }

    /// Appends what `${inside}` stands for.
    private func replace(_ inside: String, in result: inout Result) -> Failure? {
        if inside.hasPrefix("file:") {
            switch file(String(inside.dropFirst(5))) {
            case .failure(let failure): return failure
            case .success(let text):
                result.text += text
                result.isLiteral = false
                if !text.isEmpty { result.fileTexts.append(text) }
                return nil
            }
        }
        let name: String
        var fallback: String?
        if let range = inside.range(of: ":-") {
            name = String(inside[..<range.lowerBound])
            fallback = String(inside[range.upperBound...])
        } else {
            name = inside
        }
        guard NameRules.variable(name) == nil else {
            return Failure(
                message: "'${…}' can't be read with \(Wording.quoted(inside)) in it; "
                    + "write ${NAME}, ${NAME:-default} or ${file:/path}")
        }
        if fallback?.contains("${") == true {
            return Failure(message: "the default of '\(name)' contains another '${', which isn't supported")
        }
        // As in a shell, ':-' also replaces a variable that's set to nothing.
        if let value = environment[name], !(value.isEmpty && fallback != nil) {
            result.text += value
            result.isLiteral = false
            return nil
        }
        guard let fallback else {
            let nearest = Wording.suggestion(name, among: environment.keys)
            return Failure(
                message: "the environment variable '\(name)' isn't set\(nearest)"
                    + "; set it, or give a default: ${\(name):-default}")
        }
        result.text += fallback
        return nil
    }

    private func file(_ path: String) -> Swift.Result<String, Failure> {
        guard !path.isEmpty else { return .failure(Failure(message: "'${file:}' names no file")) }
        let full = path.hasPrefix("/") ? path : folder + "/" + path
        switch TextFile.read(full, bytesMax: 1 << 16) {
        case .failure(let failure):
            return .failure(Failure(message: "can't read \(Wording.quoted(path)): \(failure.reason)"))
        case .success(let bytes):
            guard var text = String(validating: bytes, as: UTF8.self), !text.contains("\0") else {
                return .failure(Failure(message: "\(Wording.quoted(path)) isn't UTF-8 text"))
            }
            if text.unicodeScalars.last == "\n" { text.unicodeScalars.removeLast() }
            if text.unicodeScalars.last == "\r" { text.unicodeScalars.removeLast() }
            guard !text.isEmpty else {
                return .failure(Failure(message: "\(Wording.quoted(path)) is empty"))
            }
            return .success(text)
        }
    }
}
