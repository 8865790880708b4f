import Testing

@testable import ELTTransform

/// A template and what it gives. The expectations were compared with Jinja 3.1, where Jinja knows the
/// words; `isJinja` marks those.
struct RenderCase: CustomTestStringConvertible, Sendable {
    let template: String
    let text: String
    var isJinja = true
    var testDescription: String { template }

    init(_ template: String, _ text: String, isJinja: Bool = true) {
        self.template = template
        self.text = text
        self.isJinja = isJinja
    }
}

@Suite struct RenderTests {
    static let expressions: [RenderCase] = [
        .init("plain", "plain"), .init("", ""), .init("a\n", "a"), .init("a\n\n", "a\n"),
        .init("{ { } }", "{ { } }"),
        .init("{{ 'a' }}", "a"), .init("{{ \"a'b\" }}", "a'b"), .init("{{ 'a\\'b\\n\\\\c' }}", "a'b\n\\c"),
        .init("{{ 'a' 'b' }}", "ab"), .init("{{ 'ü€😀' | length }}", "3"),
        .init("{{ 1 }}", "1"), .init("{{ 1.5 }}", "1.5"), .init("{{ 1e3 }}", "1000.0"),
        .init("{{ true }}", "True"), .init("{{ False }}", "False"),
        .init("{{ 1 + 2 * 3 }}", "7"), .init("{{ (1 + 2) * 3 }}", "9"), .init("{{ 7 / 2 }}", "3.5"),
        .init("{{ 4 / 2 }}", "2.0"), .init("{{ 7 // 2 }}", "3"), .init("{{ -7 // 2 }}", "-4"),
        .init("{{ -7 % 3 }}", "2"), .init("{{ 7 % -3 }}", "-2"), .init("{{ 7.5 % 2 }}", "1.5"),
        .init("{{ 0 - 3 }}", "-3"), .init("{{ - 3 }}", "-3"), .init("{{ 1 - -1 }}", "2"),
        .init("{{ 'a' ~ 1 ~ 'b' }}", "a1b"), .init("{{ 'a' + 'b' }}", "ab"),
        .init("{{ 'ab' * 3 }}", "ababab"),
        .init("{{ 1 == 1.0 }}", "True"), .init("{{ true == 1 }}", "True"), .init("{{ '1' == 1 }}", "False"),
        .init("{{ 'a' < 'b' }}", "True"), .init("{{ 2 >= 3 }}", "False"), .init("{{ 1 != 2 }}", "True"),
        .init("{{ [1, 2] == [1, 2.0] }}", "True"), .init("{{ {'a': 1} == {'a': 1} }}", "True"),
        .init("{{ 'a' in 'cat' }}", "True"), .init("{{ 1 in [1, 2] }}", "True"),
        .init("{{ 1 not in [1] }}", "False"),
        .init("{{ 'k' in {'k': 1} }}", "True"), .init("{{ not 1 in [2] }}", "True"),
        .init("{{ '' in 'a' }}", "True"),
        .init("{{ 1 and 0 }}", "0"), .init("{{ 0 or 'x' }}", "x"), .init("{{ not 0 }}", "True"),
        .init("{{ 1 or 1 / 0 }}", "1"), .init("{{ 0 and 1 / 0 }}", "0"), .init("{{ not not 1 }}", "True"),
        .init("{{ 'a' if 1 else 'b' }}", "a"), .init("{{ 'a' if 0 else 'b' if 0 else 'c' }}", "c"),
        .init("{{ 'a' if 0 }}", ""), .init("[{{ 'a' if false }}]", "[]"),
        .init("{{ none is none }}", "True"), .init("{{ 1 is not none }}", "True"),
        .init("{{ x is defined }}", "False"),
        .init("{{ [1, 2, 3][0] }}", "1"), .init("{{ [1, 2, 3][-1] }}", "3"), .init("{{ 'abc'[1] }}", "b"),
        .init("{{ {'a': {'b': 2}}.a.b }}", "2"), .init("{{ {'a': 1}['a'] }}", "1"),
        .init("{{ (1, 2)[1] }}", "2"),
    ]

    static let filters: [RenderCase] = [
        .init("{{ 'ab' | upper }}", "AB"), .init("{{ 'AB' | lower }}", "ab"),
        .init("{{ '  a ' | trim }}|", "a|"),
        .init("{{ [1, 'b', 2.5] | join(', ') }}", "1, b, 2.5"), .init("{{ ['a', 'b'] | join }}", "ab"),
        .init("{{ [1, 2] | length }}", "2"), .init("{{ 'abc' | count }}", "3"),
        .init("{{ {'a': 1} | length }}", "1"),
        .init("{{ x | default('d') }}", "d"), .init("{{ x | d }}|", "|"),
        .init("{{ '' | default('d') }}|", "|"),
        .init("{{ '' | default('d', true) }}", "d"), .init("{{ '' | default('d', boolean=true) }}", "d"),
        .init("{{ {'a': 1}.b | default(2) }}", "2"), .init("{{ 'aXbX' | replace('X', '--') }}", "a--b--"),
        .init("{{ [3, 4] | first }}", "3"), .init("{{ [3, 4] | last }}", "4"),
        .init("{{ 'xy' | first }}", "x"),
        .init("{{ 'ab' | list | join('-') }}", "a-b"), .init("{{ {'k': 1} | list | join }}", "k"),
        .init("{{ 5 | string ~ 'x' }}", "5x"), .init("{{ '42' | int + 1 }}", "43"),
        .init("{{ 3.9 | int }}", "3"),
        .init("{{ ' 7 ' | int }}", "7"), .init("{{ 'x' | int(5) }}", "5"), .init("{{ '4.7' | int }}", "4"),
        .init("{{ 'a' ~ 'b' | upper }}", "aB"), .init("{{ -3 | string }}", "-3"),
        .init("{{ 'a,b,c'.split(',') | join('+') }}", "a+b+c"), .init("{{ 'ab'.upper() }}", "AB"),
        .init("{{ ' a '.strip() }}|", "a|"), .init("{{ 'aba'.replace('a', 'x') }}", "xbx"),
        .init("{{ 'abc'.startswith('ab') }}", "True"), .init("{{ 'abc'.endswith('bc') }}", "True"),
        .init("{{ {'a': 1}.get('b', 9) }}", "9"), .init("{{ {'a': 1, 'b': 2}.keys() | join(',') }}", "a,b"),
        .init("{{ {'a': 1, 'b': 2}.values() | join(',') }}", "1,2"),
    ]

    static let statements: [RenderCase] = [
        .init("{% if 1 %}a{% endif %}", "a"), .init("{% if 0 %}a{% else %}b{% endif %}", "b"),
        .init("{% if 0 %}a{% elif 1 %}b{% elif 1 %}c{% else %}d{% endif %}", "b"),
        .init("{% if [] %}a{% elif '' %}b{% elif none %}c{% elif {} %}d{% elif 0.0 %}e{% endif %}", ""),
        .init("{% for x in [1, 2] %}{{ x }}{% endfor %}", "12"),
        .init("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        .init("{% for x in 'ab' | list %}{{ loop.index }}{{ loop.index0 }}{{ x }}{% endfor %}", "10a21b"),
        .init("{% for x in [1, 2, 3] %}{{ x }}{{ ', ' if not loop.last }}{% endfor %}", "1, 2, 3"),
        .init("{% for x in [1, 2] %}{% if loop.first %}<{% endif %}{{ loop.length }}{% endfor %}", "<22"),
        .init("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", "a=1;b=2;"),
        .init("{% for k in {'a': 1} %}{{ k }}{% endfor %}", "a"),
        .init("{% for a, b in [[1, 2], [3, 4]] %}{{ a + b }} {% endfor %}", "3 7 "),
        .init("{% for x in ('a', 'b') %}{{ x }}{% endfor %}", "ab"),
        .init(
            "{% for x in range(3) %}{{ x }}{% endfor %}{% for x in range(5, 1, -2) %}{{ x }}{% endfor %}",
            "01253"),
        .init(
            "{% for x in [1, 2] %}{% for y in [3] %}{{ loop.last }}{% endfor %}{{ loop.last }}{% endfor %}",
            "TrueFalseTrueTrue"),
        .init("{% set x = 1 %}{{ x }}", "1"), .init("{% set x %}a{{ 1 }}{% endset %}[{{ x }}]", "[a1]"),
        .init("{% set x = 1 %}{% for y in [2] %}{% set x = y %}{{ x }}{% endfor %}{{ x }}", "21"),
        .init("{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2"),
        .init("{% set x = 1 %}{% set x = x + 1 %}{{ x }}", "2"),
        .init("a{# note {{ x #}b", "ab"), .init("{% raw %}{{ x }}{% if %}{% endraw %}", "{{ x }}{% if %}"),
    ]

    static let space: [RenderCase] = [
        .init("a \n {{- 1 -}} \n b", "a1b"), .init("a {%- if 1 -%} b {%- endif -%} c", "abc"),
        .init("a {#- x -#} b", "ab"), .init("a {{ 1 }} b", "a 1 b"), .init("a\n{% set x = 1 %}\nb", "a\n\nb"),
        .init("a {%- raw -%} {{ x }} {%- endraw -%} b", "a{{ x }}b"), .init("{{-1}}", "1"),
        .init("a {{+ 1 }}", "a 1"), .init("  {%- set x = 1 %} {{ x }}", " 1"),
        .init("a {{ 1 -}}  {{- 2 }} b", "a 12 b"), .init("a\r\nb", "a\nb"),
    ]

    @Test(arguments: expressions + filters + statements + space)
    func `a template gives what Jinja gives`(_ example: RenderCase) throws {
        #expect(try render(example.template) == example.text)
    }

    static let words: [RenderCase] = [
        .init("{{ ref('a') }}", "\"a\""), .init("{{ source('customer', 'stream') }}", "raw_customer_stream"),
        .init("{{ source(entity='customer', table='full') }}", "raw_customer_full"),
        .init("{{ this }}", "\"me\""),
        .init("{{ var('city') }}", "Hamburg"), .init("{{ var('none', 'x') }}", "x"),
        .init("{{ var('limit') + 1 }}", "11"), .init("{% for d in var('days') %}{{ d }}{% endfor %}", "123"),
        .init("{{ columns('customer') }}", "id, name"), .init("{{ run.now }}", "2026-11-20T09:30:00.123Z"),
        .init("{{ run.today }}", "2026-11-20"), .init("{{ run.day }}", "2026-11-20"),
        .init("{{ is_incremental() }}", "False"), .init("{{ should_full_refresh() }}", "False"),
        .init("{{ flags.FULL_REFRESH }}", "False"), .init("{{ config(materialized='table') }}|", "|"),
        .init("-- {{ 1 }}\nx", "-- 1\nx"),
    ]

    @Test(arguments: words)
    func `a template asks its run`(_ example: RenderCase) throws {
        #expect(try render(example.template) == example.text)
    }

    @Test func `macros take positions, names and defaults`() throws {
        let macros = """
            -- Money comes in cents.
            {% macro euros(column, digits=2) -%}
              round({{ column }} / 100.0, {{ digits }})
            {%- endmacro %}
            {# calls another #}
            {% macro both(a, b='b') %}{{ euros(a) }},{{ euros(column=b, digits=0) }}{% endmacro %}
            """
        #expect(try render("{{ euros('x') }}", macros: macros) == "round(x / 100.0, 2)")
        #expect(try render("{{ both('a') }}", macros: macros) == "round(a / 100.0, 2),round(b / 100.0, 0)")
        #expect(try render("{{ euros('x') | upper }}", macros: macros) == "ROUND(X / 100.0, 2)")
    }

    @Test func `a macro doesn't see its caller's names`() {
        let text = failure(
            "{% set x = 1 %}{{ m() }}", macros: "{% macro m() %}{{ x }}{% endmacro %}")
        #expect(text.hasPrefix("macros/m.sql:1:19: The name 'x' isn't defined."))
        #expect(text.contains("(Called from models/m.sql:1:19.)"))
    }

    @Test func `rendering knows where each byte comes from`() throws {
        let template = try Template("ab\n{{ 'xyz' }}cd", path: "m.sql")
        let rendered = try Renderer.render(template, TestScope(), MacroLibrary())
        #expect(rendered.text == "ab\nxyzcd")
        #expect(rendered.place(of: 1).description == "m.sql:1:2")
        #expect(rendered.place(of: 4).description == "m.sql:2:1")
        #expect(rendered.place(of: 7).description == "m.sql:2:13")
    }
}
