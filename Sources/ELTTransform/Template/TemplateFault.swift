/// What can be wrong with a template. The wording stands in `TemplateWording.swift`.
enum TemplateFault: Equatable {
    case tooLong(bytes: Int, limit: Int)
    case unclosedTag(String, close: String)
    case unclosedString
    case unexpectedCharacter(String)
    case badNumber(String)
    case unexpected(String, wanted: String)
    case emptyTag(String)
    case unclosedBlock(String)
    case strayCloser(String)
    case unknownStatement(String)
    case refusedStatement(String)
    case macroInside(String)
    case textOutsideMacro
    case nestedTooDeep(limit: Int)
    case chainedComparison
    case slice
    case starArguments
    case positionalAfterNamed
    case twice(argument: String)
    case notCallable
    case reservedName(String)
    case setTarget
    case unknownFilter(String)
    case refusedFilter(String)
    case unknownTest(String)
    case unknownFunction(String, macros: [String])
    case refusedName(String)
    case functionAsValue(String)
    case unknownName(String, known: [String])
    case noAttribute(String, of: String, known: [String])
    case noMethod(String, of: String, known: [String])
    case noElement(String, of: String)
    case missingArgument(String, of: String)
    case tooManyArguments(of: String, most: Int)
    case unknownArgument(String, of: String, known: [String])
    case wrongType(found: String, wanted: String, what: String)
    case operands(String, String, String)
    case dividedByZero
    case numberTooLarge
    case unprintable(String)
    case unpack(found: String, names: Int)
    case unknownVariable(String)
    case refWithPackage
    case refWithVersion
    case configPositional
    case macroTwice(String, other: FilePlace)
    case macroNameTaken(String)
    case duplicateParameter(String)
    case macroLoop([String])
    case tooDeep(limit: Int)
    case tooManyIterations(limit: Int)
    case tooMuchOutput(limit: Int)
    case tooManySteps(limit: Int)
    case tooManyElements(limit: Int)
    case valueTooDeep(limit: Int)
}
