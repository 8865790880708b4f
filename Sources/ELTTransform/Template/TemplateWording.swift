extension TemplateFault: Fault {
    var code: String {
        switch self {
        case .tooLong, .nestedTooDeep, .tooDeep, .tooManyIterations, .tooMuchOutput, .tooManySteps,
            .tooManyElements, .valueTooDeep, .macroLoop:
            "template.limit"
        case .refusedStatement, .refusedFilter, .refusedName, .slice, .starArguments, .chainedComparison,
            .refWithPackage, .refWithVersion, .setTarget, .macroInside:
            "template.unsupported"
        case .unknownStatement, .unknownFilter, .unknownTest, .unknownFunction, .unknownName, .noAttribute,
            .noMethod, .unknownVariable, .unknownArgument:
            "template.unknown-name"
        case .wrongType, .operands, .dividedByZero, .numberTooLarge, .unprintable, .unpack, .noElement,
            .missingArgument, .tooManyArguments, .functionAsValue:
            "template.value"
        default: "template.syntax"
        }
    }

    var problem: String { syntaxProblem ?? nameProblem ?? valueProblem ?? limitProblem }
    var remedy: String { syntaxRemedy ?? nameRemedy ?? valueRemedy ?? limitRemedy }

    private var syntaxProblem: String? {
        switch self {
        case .unclosedTag(let open, _): "The '\(open)' is never closed."
        case .unclosedString: "The string is never closed."
        case .unexpectedCharacter(let character): "The character '\(character)' has no meaning here."
        case .badNumber(let text): "'\(text)' isn't a number."
        case .unexpected(let found, let wanted): "Found \(found) where \(wanted) should be."
        case .emptyTag(let tag): "The '\(tag)' is empty."
        case .unclosedBlock(let word): "The '{% \(word) %}' is never closed."
        case .strayCloser(let word): "The '{% \(word) %}' closes nothing."
        case .macroInside: "A macro can't be defined here."
        case .textOutsideMacro: "Text outside of a macro is never used."
        case .chainedComparison: "Comparisons can't be chained."
        case .slice: "Slices aren't supported."
        case .starArguments: "Arguments can't be unpacked with '*'."
        case .positionalAfterNamed: "An argument without a name comes after one with a name."
        case .twice(let argument): "The argument '\(argument)' is given twice."
        case .notCallable: "Only functions, macros and methods can be called."
        case .reservedName(let name): "'\(name)' has a meaning of its own and can't be a name."
        case .setTarget: "{% set %} sets one plain name."
        case .configPositional: "config() takes only named settings."
        case .duplicateParameter(let name): "The macro has two parameters '\(name)'."
        default: nil
        }
    }

    private var syntaxRemedy: String? {
        switch self {
        case .unclosedTag(_, let close): "Add '\(close)'."
        case .unclosedString: "Add the closing quote."
        case .unexpectedCharacter: "Remove it, or quote the text it belongs to."
        case .badNumber: "Write a whole number or a decimal like 1.5."
        case .unexpected: "Correct the expression; docs/models.md lists what works."
        case .emptyTag: "Write an expression into it, or remove it."
        case .unclosedBlock(let word): "Add '{% end\(word) %}'."
        case .strayCloser: "Remove it, or add the block that it should close."
        case .macroInside: "Move it to the top level of a file in macros/."
        case .textOutsideMacro: "Put it into a macro, or into a {# comment #}."
        case .chainedComparison: "Write 'a < b and b < c'."
        case .slice: "Write the list out, or use first or last."
        case .starArguments: "Write the arguments one by one."
        case .positionalAfterNamed: "Put the arguments with names last."
        case .twice: "Remove one of the two."
        case .notCallable: "Remove the parentheses."
        case .reservedName: "Choose another name."
        case .setTarget: "Write {% set name = value %}, one for each name."
        case .configPositional: "Write config(materialized='table')."
        case .duplicateParameter: "Rename one of the two."
        default: nil
        }
    }

    private var nameProblem: String? {
        switch self {
        case .unknownStatement(let word): "There's no statement '{% \(word) %}'."
        case .refusedStatement(let word):
            "'{% \(word) %}' isn't supported: \(Vocabulary.refusedStatements[word]?.why ?? "")."
        case .unknownFilter(let name): "There's no filter '\(name)'."
        case .refusedFilter(let name): "The filter '\(name)' isn't supported."
        case .unknownTest(let name): "There's no test 'is \(name)'."
        case .unknownFunction(let name, _): "There's no function or macro '\(name)'."
        case .refusedName(let name): "'\(name)' isn't supported: \(Vocabulary.refused[name]?.why ?? "")."
        case .functionAsValue(let name): "'\(name)' is a function and must be called."
        case .unknownName(let name, _): "The name '\(name)' isn't defined."
        case .noAttribute(let name, let owner, _): "\(owner) has no attribute '\(name)'."
        case .noMethod(let name, let owner, _): "\(owner) has no method '\(name)'."
        case .unknownVariable(let name): "The project has no variable '\(name)'."
        case .unknownArgument(let name, let function, _): "'\(function)' has no argument '\(name)'."
        case .refWithPackage: "ref() with two arguments isn't supported: there are no packages."
        case .refWithVersion: "ref() with a version isn't supported: models have no versions."
        case .macroTwice(let name, let other): "The macro '\(name)' is also defined at \(other)."
        case .macroNameTaken(let name): "A macro can't be called '\(name)': the name is built in."
        default: nil
        }
    }

    private var nameRemedy: String? {
        switch self {
        case .unknownStatement(let word):
            Nearest.advice(
                to: word, among: Vocabulary.statements + Vocabulary.closers, kind: "statements")
        case .refusedStatement(let word): Vocabulary.refusedStatements[word]?.instead ?? ""
        case .unknownFilter(let name): Nearest.advice(to: name, among: Vocabulary.filters, kind: "filters")
        case .refusedFilter(let name): Vocabulary.refusedFilters[name] ?? ""
        case .unknownTest(let name): Nearest.advice(to: name, among: Vocabulary.tests, kind: "tests")
        case .unknownFunction(let name, let macros):
            Nearest.advice(to: name, among: Vocabulary.functions + macros, kind: "functions and macros")
        case .refusedName(let name): Vocabulary.refused[name]?.instead ?? ""
        case .functionAsValue(let name): "Write '\(name)(…)'."
        case .unknownName(let name, let known):
            Nearest.advice(to: name, among: known, kind: "names")
        case .noAttribute(let name, _, let known), .noMethod(let name, _, let known):
            known.isEmpty
                ? "Use the value itself."
                : Nearest.advice(to: name, among: known, kind: "possible ones")
        case .unknownVariable(let name):
            "Add it to 'vars:' in elt.yml, or give a default: var('\(name)', 'default')."
        case .unknownArgument(let name, _, let known):
            Nearest.advice(to: name, among: known, kind: "arguments")
        case .refWithPackage, .refWithVersion: "Write ref('model')."
        case .macroTwice: "Rename or remove one of the two."
        case .macroNameTaken: "Choose another name."
        default: nil
        }
    }

    private var valueProblem: String? {
        switch self {
        case .noElement(let index, let owner): "\(owner.capitalizedFirst) has no element \(index)."
        case .missingArgument(let name, let function): "'\(function)' needs the argument '\(name)'."
        case .tooManyArguments(let function, let most):
            "'\(function)' takes at most \(most) argument\(most == 1 ? "" : "s")."
        case .wrongType(let found, let wanted, let what): "\(what) is \(found), not \(wanted)."
        case .operands(let symbol, let left, let right):
            "'\(symbol)' doesn't work with \(left) and \(right)."
        case .dividedByZero: "A number is divided by zero."
        case .numberTooLarge: "The result is too large a number."
        case .unprintable(let kind): "The expression gives \(kind), which SQL can't read."
        case .unpack(let found, let names): "The loop has \(names) names, but an element is \(found)."
        default: nil
        }
    }

    private var valueRemedy: String? {
        switch self {
        case .noElement: "Test the length first, or give a default: x | default('…')."
        case .missingArgument, .tooManyArguments, .wrongType: "Correct the call."
        case .operands: "Convert one of them with 'string' or 'int', or join texts with '~'."
        case .dividedByZero: "Test the divisor first."
        case .numberTooLarge: "Compute it in SQL."
        case .unprintable(let kind):
            kind == "none" ? "Write NULL, or give a default: x | default('…')." : "Write x | join(', ')."
        case .unpack: "Give every element as many parts as the loop has names."
        default: nil
        }
    }

    private var limitProblem: String {
        switch self {
        case .tooLong(let bytes, let limit): "The file has \(bytes) bytes; the limit is \(limit)."
        case .nestedTooDeep(let limit): "Blocks or brackets are nested more than \(limit) deep."
        case .macroLoop(let names): "Macros call each other without end: \(names.joined(separator: " → "))."
        case .tooDeep(let limit): "Calls are nested more than \(limit) deep."
        case .tooManyIterations(let limit): "The loops run more than \(limit) times."
        case .tooMuchOutput(let limit): "The text grows beyond \(limit) bytes."
        case .tooManySteps(let limit): "Rendering takes more than \(limit) steps."
        case .tooManyElements(let limit): "A list has more than \(limit) elements."
        case .valueTooDeep(let limit): "Lists or dictionaries are nested more than \(limit) deep."
        default: "The template is wrong."
        }
    }

    private var limitRemedy: String {
        switch self {
        case .macroLoop: "Break the circle: a macro can't repeat, but a {% for %} loop can."
        default: "Make the template smaller, or do the work in SQL."
        }
    }
}

extension String {
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
