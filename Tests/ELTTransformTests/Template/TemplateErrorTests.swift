import Testing

@testable import ELTTransform

@Suite struct TemplateErrorTests {
    /// A template, and the whole text of its error.
    static let errors: [(String, String)] = [
        (
            "a\n  {{ 'ü' | uper }}",
            "models/m.sql:2:12: There's no filter 'uper'. Did you mean 'upper'?"
        ),
        ("{{ 1 | map('x') }}", "models/m.sql:1:8: The filter 'map' isn't supported. Write a {% for %} loop."),
        (
            "{{ x is nul }}",
            "models/m.sql:1:9: There's no test 'is nul'. The tests are: defined, none, undefined."
        ),
        (
            "{{ reff('a') }}",
            "models/m.sql:1:4: There's no function or macro 'reff'. Did you mean 'ref'?"
        ),
        (
            "{{ citty }}",
            "models/m.sql:1:4: The name 'citty' isn't defined. The names are: flags, run, this."
        ),
        (
            "{% set city = 1 %}{{ citty }}",
            "models/m.sql:1:22: The name 'citty' isn't defined. Did you mean 'city'?"
        ),
        (
            "{{ var('town') }}",
            "models/m.sql:1:4: The project has no variable 'town'. "
                + "Add it to 'vars:' in elt.yml, or give a default: var('town', 'default')."
        ),
        (
            "{{ env_var('X') }}",
            "models/m.sql:1:4: 'env_var' isn't supported: tables must be a function of the archive and "
                + "the project "
                + "alone. Put the value into 'vars:' of elt.yml and write var('name')."
        ),
        (
            "{{ adapter.get_columns_in_relation(this) }}",
            "models/m.sql:1:4: 'adapter' isn't supported: a template never asks the database, so that "
                + "what it gives "
                + "depends on the project alone. Write the SQL directly; columns('entity') lists an "
                + "entity's columns."
        ),
        (
            "{{ run_query('select 1') }}",
            "models/m.sql:1:4: 'run_query' isn't supported: a template never asks the database, so that "
                + "what it gives "
                + "depends on the project alone. Join the table in SQL, or list the values with {% set %}."
        ),
        (
            "{{ log('x') }}",
            "models/m.sql:1:4: 'log' isn't supported: rendering has no side effects. "
                + "Remove it; 'elt build --verbose' shows the SQL."
        ),
        (
            "{{ exceptions.raise_compiler_error('x') }}",
            "models/m.sql:1:4: 'exceptions' isn't supported: a template can't raise errors. "
                + "Write the rule as a test in tests/."
        ),
        (
            "{{ ref('p', 'm') }}",
            "models/m.sql:1:13: ref() with two arguments isn't supported: there are no packages. Write "
                + "ref('model')."
        ),
        (
            "{{ ref('m', v=2) }}",
            "models/m.sql:1:13: ref() with a version isn't supported: models have no versions. Write "
                + "ref('model')."
        ),
        ("{{ ref() }}", "models/m.sql:1:4: 'ref' needs the argument 'model'. Correct the call."),
        (
            "{{ source('customer') }}",
            "models/m.sql:1:4: 'source' needs the argument 'table'. Correct the call."
        ),
        (
            "{{ ref(1) }}",
            "models/m.sql:1:4: The argument 'model' of ref() is a number, not a string. Correct the call."
        ),
        (
            "{{ config('table') }}",
            "models/m.sql:1:11: config() takes only named settings. Write config(materialized='table')."
        ),
        ("{{ ref }}", "models/m.sql:1:4: 'ref' is a function and must be called. Write 'ref(…)'."),
        ("a {{ 1", "models/m.sql:1:3: The '{{' is never closed. Add '}}'."),
        ("a {% if 1", "models/m.sql:1:3: The '{%' is never closed. Add '%}'."),
        ("a {# x", "models/m.sql:1:3: The '{#' is never closed. Add '#}'."),
        ("\n{% if 1 %}a", "models/m.sql:2:1: The '{% if %}' is never closed. Add '{% endif %}'."),
        ("{% for x in [] %}", "models/m.sql:1:1: The '{% for %}' is never closed. Add '{% endfor %}'."),
        ("{% raw %}a", "models/m.sql:1:1: The '{% raw %}' is never closed. Add '{% endraw %}'."),
        (
            "a{% endif %}",
            "models/m.sql:1:5: The '{% endif %}' closes nothing. Remove it, or add the block that it "
                + "should close."
        ),
        ("{% iff x %}", "models/m.sql:1:4: There's no statement '{% iff %}'. Did you mean 'if'?"),
        (
            "{% do x.append(1) %}",
            "models/m.sql:1:4: '{% do %}' isn't supported: values never change. Write {% set x = … %}, or "
                + "{{ … }} to print."
        ),
        (
            "{% include 'x' %}",
            "models/m.sql:1:4: '{% include %}' isn't supported: each file stands alone. "
                + "Put what files share into a macro in macros/."
        ),
        (
            "{% macro x() %}{% endmacro %}",
            "models/m.sql:1:4: A macro can't be defined here. Move it to the top level of a file in macros/."
        ),
        ("{{ 'abc }}", "models/m.sql:1:4: The string is never closed. Add the closing quote."),
        (
            "{{ 1 ; 2 }}",
            "models/m.sql:1:6: The character ';' has no meaning here. Remove it, or quote the text it "
                + "belongs to."
        ),
        (
            "{{ 1 2 }}",
            "models/m.sql:1:6: Found '2' where the end of the tag should be. "
                + "Correct the expression; docs/models.md lists what works."
        ),
        (
            "{{ (1 }}",
            "models/m.sql:1:7: Found '}' where ')' should be. Correct the expression; docs/models.md "
                + "lists what works."
        ),
        ("{{ }}", "models/m.sql:1:1: The '{{ }}' is empty. Write an expression into it, or remove it."),
        (
            "{{ 12ab }}",
            "models/m.sql:1:4: '12ab' isn't a number. Write a whole number or a decimal like 1.5."
        ),
        (
            "{{ 1 < 2 < 3 }}",
            "models/m.sql:1:10: Comparisons can't be chained. Write 'a < b and b < c'."
        ),
        (
            "{{ 'abc'[0:1] }}",
            "models/m.sql:1:11: Slices aren't supported. Write the list out, or use first or last."
        ),
        ("{{ 1 / 0 }}", "models/m.sql:1:6: A number is divided by zero. Test the divisor first."),
        (
            "{{ 'a' + 1 }}",
            "models/m.sql:1:8: '+' doesn't work with a string and a number. "
                + "Convert one of them with 'string' or 'int', or join texts with '~'."
        ),
        (
            "{{ 9223372036854775807 + 1 }}",
            "models/m.sql:1:24: The result is too large a number. Compute it in SQL."
        ),
        (
            "{{ none }}",
            "models/m.sql:1:1: The expression gives none, which SQL can't read. "
                + "Write NULL, or give a default: x | default('…')."
        ),
        (
            "{{ [1] }}",
            "models/m.sql:1:1: The expression gives a list, which SQL can't read. Write x | join(', ')."
        ),
        (
            "{{ [1][3] }}",
            "models/m.sql:1:7: A list has no element 3. Test the length first, or give a default: x | "
                + "default('…')."
        ),
        ("{{ run.noww }}", "models/m.sql:1:8: 'run' has no attribute 'noww'. Did you mean 'now'?"),
        ("{{ this.schema }}", "models/m.sql:1:9: 'this' has no attribute 'schema'. Use the value itself."),
        ("{{ 'a'.uper() }}", "models/m.sql:1:8: A string has no method 'uper'. Did you mean 'upper'?"),
        (
            "{{ 'x' | int }}",
            "models/m.sql:1:10: What 'int' gets is a text without a number, not a number. Correct the call."
        ),
        (
            "{% for x in 5 %}{% endfor %}",
            "models/m.sql:1:13: What the loop goes over is a number, not a list. Correct the call."
        ),
        (
            "{% for a, b in [1] %}{% endfor %}",
            "models/m.sql:1:16: The loop has 2 names, but an element is a number. "
                + "Give every element as many parts as the loop has names."
        ),
        (
            "{% set a.b = 1 %}",
            "models/m.sql:1:9: {% set %} sets one plain name. Write {% set name = value %}, one for each "
                + "name."
        ),
        (
            "{% set true = 1 %}",
            "models/m.sql:1:8: 'true' has a meaning of its own and can't be a name. Choose another name."
        ),
        (
            "{{ ref(model='a', model='b') }}",
            "models/m.sql:1:19: The argument 'model' is given twice. Remove one of the two."
        ),
        (
            "{{ ref(modle='a') }}",
            "models/m.sql:1:8: 'ref' has no argument 'modle'. Did you mean 'model'?"
        ),
    ]

    @Test(arguments: errors)
    func `an error names its place and what to do`(_ template: String, _ text: String) {
        #expect(failure(template) == text)
    }

    @Test func `macros are held to their arguments`() {
        let macros = "{% macro m(a, b=1) %}{{ a }}{% endmacro %}"
        #expect(
            failure("{{ m() }}", macros: macros)
                == "models/m.sql:1:4: 'm' needs the argument 'a'. Correct the call.")
        #expect(
            failure("{{ m(1, 2, 3) }}", macros: macros)
                == "models/m.sql:1:12: 'm' takes at most 2 arguments. Correct the call.")
        #expect(
            failure("{{ m(1, c=3) }}", macros: macros)
                == "models/m.sql:1:9: 'm' has no argument 'c'. The arguments are: a, b.")
    }

    @Test func `a file of macros holds nothing else`() {
        #expect(
            failure("", macros: "{% macro m() %}{% endmacro %}\nselect 1")
                == "macros/m.sql:2:1: Text outside of a macro is never used. "
                + "Put it into a macro, or into a {# comment #}.")
        #expect(
            failure("", macros: "{% macro m() %}{% endmacro %}{% macro m() %}{% endmacro %}")
                == "macros/m.sql:1:39: The macro 'm' is also defined at macros/m.sql:1:10. "
                + "Rename or remove one of the two.")
        #expect(
            failure("", macros: "{% macro ref(x) %}{% endmacro %}")
                == "macros/m.sql:1:10: A macro can't be called 'ref': the name is built in. Choose "
                    + "another name."
        )
    }

    // MARK: Limits

    static let limits: [(String, String, String)] = [
        (
            "{{ m() }}", "{% macro m() %}{{ n() }}{% endmacro %}{% macro n() %}{{ m() }}{% endmacro %}",
            "Macros call each other without end: "
        ),
        (
            "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}", "",
            "The loops run more than 100000 times."
        ),
        ("{% set x = 'ab' * 4000000 %}{{ x ~ x }}", "", "The text grows beyond 8388608 bytes."),
        ("{{ 'a' * 9223372036854775807 }}", "", "The text grows beyond 8388608 bytes."),
        ("{{ range(9223372036854775807) }}", "", "A list has more than 100000 elements."),
        (
            String(repeating: "{% if 1 %}", count: 60) + String(repeating: "{% endif %}", count: 60), "",
            "Blocks or brackets are nested more than 50 deep."
        ),
        (
            "{{ " + String(repeating: "(", count: 5000) + " }}", "",
            "Blocks or brackets are nested more than 50 deep."
        ),
        (
            "{{ " + String(repeating: "not ", count: 5000) + "1 }}", "",
            "Blocks or brackets are nested more than 50 deep."
        ),
        (
            "{{ " + String(repeating: "- ", count: 5000) + "1 }}", "",
            "Blocks or brackets are nested more than 50 deep."
        ),
        (
            "{{ 1" + String(repeating: " + 1", count: 5000) + " }}", "",
            "Blocks or brackets are nested more than 50 deep."
        ),
        (
            "{{ 'a'" + String(repeating: " | upper", count: 5000) + " }}", "",
            "Blocks or brackets are nested more than 50 deep."
        ),
        (
            "{% set l = [1] %}" + String(repeating: "{% set l = [l] %}", count: 5000), "",
            "Lists or dictionaries are nested more than 8 deep."
        ),
        (
            "{% set l = range(90000) %}{% for x in range(1000) %}{{ l == l }}{% endfor %}", "",
            "Rendering takes more than 2000000 steps."
        ),
        (
            String(repeating: "x", count: (1 << 20) + 1), "",
            "The file has 1048577 bytes; the limit is 1048576."
        ),
    ]

    @Test(arguments: limits)
    func `a template that goes too far ends in an error`(
        _ template: String, _ macros: String, _ problem: String
    ) {
        #expect(failure(template, macros: macros).contains(problem))
    }
}
