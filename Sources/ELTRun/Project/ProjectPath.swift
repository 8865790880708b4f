/// Arithmetic on paths, without a look at the disk.
enum ProjectPath {
    /// Without empty parts, `.` and `..`; relative paths stay relative.
    static func normal(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            switch part {
            case ".": continue
            case ".." where parts.last != nil && parts.last != "..": parts.removeLast()
            case ".." where path.hasPrefix("/"): continue
            default: parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + joined : joined.isEmpty ? "." : joined
    }

    static func folder(of path: String) -> String { normal(path + "/..") }
}
