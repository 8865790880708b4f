/// What `elt.yml` may get wrong: what comes from elsewhere. Each text gives exactly these errors.
extension ProjectCase {
    static let variables: [ProjectCase] = [
        ProjectCase(
            "a variable that is not set",
            .atTop("vars: { a: \"${SHOP_HOME}\" }"),
            [
                "8:12: vars.a: the environment variable 'SHOP_HOME' isn't set; set it, or "
                    + "give a default: ${SHOP_HOME:-default}."
            ]),
        ProjectCase(
            "a variable that is nearly set",
            .atTop("vars: { a: ${SHOP_COLOR} }"), environment: ["SHOP_COLOUR": "x"],
            [
                "8:12: vars.a: the environment variable 'SHOP_COLOR' isn't set (did you mean "
                    + "'SHOP_COLOUR'?); set it, or give a default: ${SHOP_COLOR:-default}."
            ]),
        ProjectCase(
            "a variable without its brace",
            .atTop("vars:\n  a: x${SHOP"),
            [
                "9:6: vars.a: a '${' without its '}'; write '$${' for a plain '${'."
            ]),
        ProjectCase(
            "an expression instead of a name",
            .atTop("vars: { a: \"${1+1}\" }"),
            [
                "8:12: vars.a: '${…}' can't be read with '1+1' in it; write ${NAME}, "
                    + "${NAME:-default} or ${file:/path}."
            ]),
        ProjectCase(
            "a default with another variable",
            .atTop("vars: { a: \"${A:-${B}}\" }"),
            [
                "8:12: vars.a: the default of 'A' contains another '${', which isn't "
                    + "supported."
            ]),
        ProjectCase(
            "a variable in a name",
            .atTop("vars: { \"${A}\": 1 }"),
            [
                "8:9: '${…}' is replaced in values only, not in names."
            ]),
        ProjectCase(
            "a file that is missing",
            .atTop("vars: { a: \"${file:/nowhere/secret}\" }"),
            [
                "8:12: vars.a: can't read '/nowhere/secret': No such file or directory."
            ]),
        ProjectCase(
            "a file without a name",
            .atTop("vars: { a: \"${file:}\" }"),
            [
                "8:12: vars.a: '${file:}' names no file."
            ]),
        ProjectCase(
            "a folder as a file",
            .atTop("vars: { a: \"${file:/}\" }"),
            [
                "8:12: vars.a: can't read '/': it's a folder."
            ]),
        ProjectCase(
            "a value of the environment that is no number",
            .inFullLoad("parallel: ${PARALLEL}"), environment: ["PARALLEL": "four"],
            [
                "9:17: entities.order.full_load.parallel: expected a whole number from 1 to "
                    + "64, found 'four'."
            ]),
        ProjectCase(
            "a name of a variable for models",
            .atTop("vars: { \"a-b\": 1 }"),
            [
                "8:9: vars: 'a-b' can't be a variable's name: only letters, digits and '_' "
                    + "are allowed, and no digit first."
            ]),
        ProjectCase(
            "a list as a variable for models",
            .atTop("vars: { a: [1] }"),
            [
                "8:12: vars.a: expected a text, a number or true or false, found a list."
            ]),
    ]
}
