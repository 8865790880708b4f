import ELTCore
import Foundation
import Testing

@testable import ELTRun

private func resolved(_ text: String, _ environment: [String: String] = [:], folder: String = "/") throws
    -> Interpolation.Result
{
    try Interpolation(environment: environment, folder: folder).resolve(text).get()
}

// MARK: ${…}

@Test(arguments: [
    ("plain", "plain"), ("${A}", "one"), ("x${A}y${B}z", "xoneytwoz"), ("${NONE:-d}", "d"), ("${NONE:-}", ""),
    ("${EMPTY:-d}", "d"), ("${EMPTY}", ""), ("${A:-d}", "one"), ("$${A}", "${A}"), ("$A $ $$", "$A $ $$"),
    ("${NONE:-http://h:1/}", "http://h:1/"), ("${NESTED}", "${A}"),
])
func `variables are replaced once, as in a shell`(text: String, expected: String) throws {
    let environment = ["A": "one", "B": "two", "EMPTY": "", "NESTED": "${A}"]
    #expect(try resolved(text, environment).text == expected)
}

@Test func `what a variable holds can't become a setting`() throws {
    let evil = "x\nname: other # \"]}'"
    let loaded = try ProjectCase.load(.atTop("vars: { a: ${A}, b: \"${A}\" }"), environment: ["A": evil])
    #expect(loaded.settings.variables == ["a": evil, "b": evil])
    #expect(loaded.settings.name == "shop")
}

@Test func `in braces a variable needs no quotes, and columns stay right`() throws {
    let item = ProjectCase("", .atTop("vars: { a: ${A:-x, y: [z] #}, b: [1] }"), [])
    #expect(try item.found() == ["8:34: vars.b: expected a text, a number or true or false, found a list."])
    let loaded = try ProjectCase.load(.atTop("vars: { a: ${A:-x, y: [z] #}, b: $${B} }"))
    #expect(loaded.settings.variables == ["a": "x, y: [z] #", "b": "${B}"])
}

@Test func `a secret comes from a file, without the line's end, and is hidden`() throws {
    let folder = try TemporaryFolder()
    try folder.write("secret", "top secret\n")
    try folder.write("windows", "top secret\r\n")
    try folder.write("two", "top\nsecret\n\n")
    try folder.write("empty", "\n")
    #expect(try resolved("${file:secret}", folder: folder.path).text == "top secret")
    #expect(try resolved("${file:\(folder.path)/windows}").text == "top secret")
    #expect(try resolved("${file:two}", folder: folder.path).text == "top\nsecret\n")
    #expect(try resolved("a ${file:secret}", folder: folder.path).fileTexts == ["top secret"])
    let failure = #expect(throws: Interpolation.Failure.self) {
        try resolved("${file:empty}", folder: folder.path)
    }
    #expect(failure?.message == "'empty' is empty")
    try folder.write("elt.yml", .atTop("vars: { a: ${file:secret} }"))
    let loaded = try ProjectFile.load(path: folder.path + "/elt.yml", environment: [:])
    #expect(loaded.secrets == ["top secret"])
}

// MARK: Quantities

@Test func `durations, sizes, rates and shares are read with their units`() {
    #expect(Quantities.duration("500ms") == .milliseconds(500))
    #expect(Quantities.duration("30s") == .seconds(30))
    #expect(Quantities.duration("5m") == .seconds(300))
    #expect(Quantities.duration("1.5h") == .seconds(5400))
    #expect(Quantities.duration("1 d") == .seconds(86_400))
    #expect(Quantities.bytes("16MiB") == 16_777_216)
    #expect(Quantities.bytes("1MB") == 1_000_000)
    #expect(Quantities.bytes("1_000") == 1000)
    #expect(Quantities.bytes("1.5KiB") == 1536)
    #expect(Quantities.rate("20/s") == 20)
    #expect(Quantities.rate("120/m") == 2)
    #expect(Quantities.rate("7200/h") == 2)
    #expect(Quantities.share("5%") == 0.05)
    #expect(Quantities.share("0.5") == 0.5)
    #expect(Quantities.integer("-3") == -3)
    #expect(Quantities.integer("1_000") == 1000)
}

@Test(arguments: [
    "", "5", "m", "-5m", "5 x", "1e3s", "5m5", ".5s", "5.s", "1.2.3s", "99999999999999999d", "٣s",
])
func `what isn't a duration is none`(text: String) {
    #expect(Quantities.duration(text) == nil)
}

@Test func `what isn't a size, a rate or a share is none`() {
    #expect(["", "MB", "-1", "1mb", "1 MB x", "1e9TB"].allSatisfy { Quantities.bytes($0) == nil })
    #expect(["20", "/s", "20/", "20/d", "20/s/s", "20kB/s"].allSatisfy { Quantities.rate($0) == nil })
    #expect(["101%", "1.1", "-1%", "x", "%"].allSatisfy { Quantities.share($0) == nil })
    #expect(["", "-", "1.5", "1e3", "0x10", "1_", "+"].allSatisfy { Quantities.integer($0) == nil })
}

// MARK: Names

@Test(arguments: [
    ("timezon", "timezone"), ("time_zone", "timezone"), ("TIMEZONE", "timezone"), ("tmiezone", "timezone"),
    ("entites", "entities"), ("kafak", "kafka"), ("ful-load", "full_load"),
])
func `a mistyped name finds the one that was meant`(name: String, nearest: String) {
    #expect(
        NearestName.of(name, among: ["timezone", "entities", "kafka", "full_load", "name", "limits"])
            == nearest)
}

@Test(arguments: ["", "colour", "x", "nothing_like_it", "GMT+2"])
func `a name that resembles none finds none`(name: String) {
    #expect(NearestName.of(name, among: ["timezone", "entities", "kafka", "limits", "GMT"]) == nil)
}

@Test func `two neighbours that changed places are one error`() {
    func distance(_ a: String, _ b: String) -> Int {
        NearestName.distance(Array(a.unicodeScalars), Array(b.unicodeScalars))
    }
    #expect(distance("create", "craete") == 1)
    #expect(distance("", "abc") == 3)
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("same", "same") == 0)
}

@Test func `of equally near names the first in the alphabet is suggested`() {
    #expect(NearestName.of("cat", among: ["cut", "cot", "car"]) == "car")
}

// MARK: Redaction

@Test func `secrets are taken out whole, short words stay`() {
    let redaction = Redaction(["pass", "password1", "abc", ""])
    #expect(redaction.apply(to: "password1 and pass, abc") == "*** and ***, abc")
    #expect(redaction.adding(["more"]).apply(to: "more pass") == "*** ***")
    let key = Redaction(["-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----"])
    #expect(key.apply(to: "line MIIEvQIBADANBgkqhkiG is bad") == "line *** is bad")
}
