/// What German customers are called and where they live.
enum People {
    static let names = texts(
        """
        Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch \
        Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann \
        Hartmann Lange Schmitt Werner Schmitz Krause Meier Lehmann Köhler Maier Herrmann König \
        Walter Weiß Huber Kaiser Fuchs Peters Möller Jäger Götz Größmann Böhm Günther Kühn \
        Yılmaz Kowalski Nguyen D'Angelo
        """)
    static let firstNames = texts(
        """
        Anna Jürgen Björn Käthe Lukas Sören Mia Jörg Emma Paul Zoë Günter Ben Lena Finn Hannah \
        Leon Marie Jonas Sophie Elias Clara Max Ida Felix Lea Noah Emilia Tim Greta Jan Frieda \
        Ole Heike Uwe Renate Dörte Volker Änne Hans-Jürgen Ayşe Minh
        """)
    static let streets = [
        "Wendenstraße", "Heidenkampsweg", "Süderstraße", "Mönckebergstraße", "Jungfernstieg", "Reeperbahn",
        "Hauptstraße", "Bahnhofstraße", "Gartenweg", "Lindenallee", "Schillerstraße", "Goethestraße",
        "Königsallee",
        "Am Mühlenbach", "Große Bleichen", "Birkenweg", "Rosenstraße", "Straße des 17. Juni",
    ].map { Array($0.utf8) }
    /// First postal code and name of each city.
    static let cities: [(zip: Int64, name: [UInt8])] = [
        (20095, "Hamburg"), (10115, "Berlin"), (80331, "München"), (50667, "Köln"),
        (60311, "Frankfurt am Main"),
        (40210, "Düsseldorf"), (70173, "Stuttgart"), (4103, "Leipzig"), (1067, "Dresden"),
        (90402, "Nürnberg"),
        (28195, "Bremen"), (30159, "Hannover"), (48143, "Münster"), (24103, "Kiel"), (23552, "Lübeck"),
        (97070, "Würzburg"), (18055, "Rostock"), (99084, "Erfurt"),
    ].map { (Int64($0.0), Array($0.1.utf8)) }

    /// The same, fit for an address of electronic mail.
    static let plainNames = names.map(plain)
    static let plainFirstNames = firstNames.map(plain)

    private static func texts(_ list: String) -> [[UInt8]] {
        list.split(separator: " ").map { Array($0.utf8) }
    }

    private static func plain(_ text: [UInt8]) -> [UInt8] {
        let spelled: [Character: String] = [
            "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ë": "e", "ı": "i", "ş": "s", "'": "",
        ]
        let lower = String(decoding: text, as: UTF8.self).lowercased()
        return Array(lower.map { spelled[$0] ?? String($0) }.joined().utf8)
    }

    /// How the events of a day are spread over its hours, by local time.
    static let hours: [Double] = [
        2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 15, 16, 18, 17, 15, 12, 9, 7, 6, 5, 4, 3,
    ]
    static let hoursTotal = hours.reduce(0, +)
}
