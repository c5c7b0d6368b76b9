"""Chat templates of our own in the manners of published ones, and pieces of Jinja, each for something of the language.

SPDX-License-Identifier: Apache-2.0
"""
# By what they use. Rendered with a few of the conversations.
TEMPLATES = {
    "plain loop": """{% for message in messages %}{{ '<|' + message['role'] + '|>' }}
{{ message.content | trim }}<|stop|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}
""",
    "system first": """{{ bos_token }}
{%- if messages and messages[0].role == 'system' -%}
    {%- set system, rest = messages[0].content, messages[1:] -%}
{%- else -%}
    {%- set rest = messages -%}
{%- endif -%}
{%- for m in rest -%}
    {%- if (m.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception('turns of user and assistant alternate') }}
    {%- endif -%}
    {%- if loop.first and system is defined -%}
        {%- set text = system ~ '\\n\\n' ~ m.content -%}
    {%- else -%}
        {%- set text = m.content -%}
    {%- endif -%}
    {{ '[ASK]' ~ text.strip() ~ '[/ASK]' if m.role == 'user' else ' ' + text.strip() + eos_token }}
{%- endfor -%}
""",
    "namespace and break": """{%- set ns = namespace(system='', last=-1, n=0) -%}
{%- for m in messages -%}
    {%- if m.role == 'system' %}{% set ns.system = ns.system + m.content -%}{% endif -%}
    {%- if m.role == 'user' %}{% set ns.last = loop.index0 %}{% set ns.n = ns.n + 1 %}{% endif -%}
{%- endfor -%}
{{ ns.system }}#{{ ns.last }}#{{ ns.n }}
{%- for m in messages[::-1] if m.role == 'user' -%}
    {{- '\\n' }}last question: {{ m.content }}
    {%- break -%}
{%- endfor %}
{% for m in messages %}{% if loop.index0 < ns.last %}{% continue %}{% endif %}
({{ loop.index }}/{{ loop.length }} {{ m.role }}
{%- if loop.previtem is defined %} after {{ loop.previtem.role }}{% endif %}
{%- if loop.nextitem is defined %} before {{ loop.nextitem.role }}{% endif %}) {{ m.content }}
{% else %}
nobody
{% endfor %}
""",
    "thinking cut": """{%- for m in messages %}
    {%- set content = m.content if m.content is string else '' %}
    {%- if m.role == 'assistant' and '</think>' in content %}
        {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
<{{ m.role }}>{{ content }}{% if thought is defined and thought %} (thought: {{ thought }}){% endif %}</{{ m.role }}>
{%- endfor %}
{%- if add_generation_prompt %}
<assistant>
{% endif %}""",
    "tools": """{%- macro parameter(name, spec, required=false) -%}
    {{ name }}{{ '' if required else '?' }}: {{ spec.type | string | upper if spec.type is string else spec.type | join('|') }}
    {%- if spec.enum is defined %} of {{ spec.enum | tojson }}{% endif -%}
    {%- if spec.properties is mapping %} { {%- for k, v in spec.properties.items() %}{{ parameter(k, v, k in spec.get('required', [])) }}{{ ', ' if not loop.last }}{% endfor -%} }{% endif -%}
{%- endmacro -%}
{%- if tools is not none and tools %}
# Tools
{% for tool in tools %}
{%- set f = tool.function if tool.function is defined else tool %}
{{ f.name }}({% for k, v in f.parameters.properties | dictsort %}{{ parameter(k, v, required=k in (f.parameters.required or [])) }}{% if not loop.last %}, {% endif %}{% endfor %}) {# comment #}
{{ tool | tojson(indent=2) }}
{% endfor %}
{%- endif %}
{%- for m in messages %}
{{ m.role }}: {% if m.content is string %}{{ m.content }}{% elif m.content is iterable %}{% for part in m.content %}{{ part.text if part.type == 'text' else '<' ~ part.type ~ '>' }}{% endfor %}{% endif %}
    {%- if m.tool_calls is defined and m.tool_calls is not none %}
        {%- for call in m.tool_calls %} CALL {{ call.function.name }} {{ call.function.arguments | tojson }}{% endfor %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '\\nassistant: ' }}{% endif %}
""",
    "generation tag": """{% for m in messages %}
{% if m['role'] == 'assistant' %}
{% generation %}
{{ m['content'] + eos_token }}
{% endgeneration %}
{% else %}
{{ '> ' + m['content'] }}
{% endif %}
{% endfor %}
""",
    "dated": """Today is {{ strftime_now('%d %b %Y') }} ({{ strftime_now("%Y-%m-%d, %H:%M:%S %p %A %B %j %y %-d") }}).
{% for m in messages if m.role not in ['tool', 'critic'] %}{{ m.content | replace('\\n', ' / ') | upper | title }};{{ m.content[:5] }}..{{ m.content[-5:] | lower }}
{% endfor %}""",
    "blocks": """{% set head %}[{{ messages | length }} {{ bos_token }}]{% endset %}
{% macro wrapped(tag) %}<{{ tag }}>{{ caller(tag | length) }}</{{ tag }}>{% endmacro %}
{% for m in messages %}{% call(n) wrapped(m.role) %}{{ n }}: {{ m.content }}{% endcall %}
{% endfor %}
{% filter upper %}{{ head }} {{ messages | map(attribute='role') | unique | join(', ') }}{% endfilter %}
""",
    "selections": """{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | length }}
{%- set sys = messages | selectattr('role', '==', 'system') | list %}
{%- set others = messages | rejectattr('role', '==', 'system') | list %}
{% if sys %}{{ (sys | first).content }}|{{ (sys | last)['content'] }}{% endif %}
{% for m in others %}{{ m | items | list | length }}{{ m | tojson }}{{ m.items() | list }}
{% endfor %}{{ others | map(attribute='role') | list | sort | reverse | join('-') | default('none') }}
""",
}

# Pieces: each becomes a golden, and its error too, where it is one.
PIECES = [
    # white space
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a {% if true %} b {% endif %} c", "a {%- if true -%} b {%- endif -%} c",
    "a\n {%+ if true %}\nb{% endif +%}\nc", "{# x #}\n  {# y #}\n z {#- w -#} \n v", "a\n\n", "a\r\nb\rc\r\n", " {{- 1 -}} \n {{ 2 }}\n3",
    "x{% set a = 1 %}\n\n y{{ a }}\n", "  {% set a = 1 %} b", "\t{% set a = 1 -%}\t\n\u3000 b", "{{ '{{' }}{{ '}}' }}{{ '%}' }}", "{{+1}}{{-1}}{{ - 1 }}",
    # literals
    "{{ 1 }} {{ 1.0 }} {{ 1e3 }} {{ 1_000 }} {{ 1.5e-7 }} {{ 1e16 }} {{ 123456789012345.0 }} {{ 1e100 }} {{ -0.0 }}",
    "{{ 'a' 'b' }} {{ \"it's\" }} {{ 'a\\n\\t\\x41\\u00e9\\U0001F600\\101\\q\\\\' }} {{ 'x\\\ny' }}", "{{ true }} {{ True }} {{ none }} {{ None }} {{ false }}",
    "{{ [1, 'a', none, true, 2.5, [], {}, (1,), ()] }} {{ {'a': 1, 2: 'b', 'c': {'d': [1]}} }} {{ (1, 2) }} {{ 1, 2 }}",
    "{{ ['it\\'s', 'say \"x\"', 'both \\' \"', '\\n\\t\\x00\\x7f\\u200b\\xa0é\\\\'] }}", "{{ range(3) }} {{ range(1, 7, 2) | list }} {{ range(3, 0, -1) | list }} {{ range(5)[1:3] }}",
    # operators
    "{{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ 7.5 % 2 }} {{ -7.5 // 2 }} {{ 6 / 3 }}",
    "{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 'ab' * 3 }} {{ [1] * 2 + [2] }} {{ 1 ~ 'a' ~ none ~ 2.0 ~ [1] }} {{ true + 1 }} {{ -true }}",
    "{{ 1 == 1.0 }} {{ 1 == true }} {{ 'a' == 'a' }} {{ [1, 2] == [1, 2] }} {{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }} {{ (1,) == [1] }} {{ none == false }} {{ '1' == 1 }}",
    "{{ 1 < 2 <= 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'Z' < 'a' }} {{ 'é' > 'z' }}", "{{ 1 in [1] }} {{ 'a' in 'cat' }} {{ 'x' not in {'x': 1} }} {{ '' in '' }} {{ 1 in (2, 3) }} {{ 3 in range(5) }}",
    "{{ not 1 == 2 }} {{ not not [] }} {{ 1 and 2 }} {{ 0 or 'x' }} {{ '' and 1 }} {{ none or [] or 3 }} {{ 1 if 2 else 3 }} {{ 1 if 0 }} {{ 1 if 0 else 2 if 0 else 3 }}",
    "{{ 'a%sb%d%%' % ('x', 3) }} {{ '%s' % none }} {{ '%s-%r' % ('a', 'a') }} {{ '%s' % [1, 2] }}", "{{ 1 + 'a' }}", "{{ 'a' + none }}", "{{ 'a' + 1 }}", "{{ none + 1 }}", "{{ 1 / 0 }}", "{{ 1 < 'a' }}", "{{ [] + () }}",
    "{{ 'a' in 1 }}", "{{ 1 in 'a' }}", "{{ 'a' in none }}", "{{ -'a' }}", "{{ '%d' % 'x' }}", "{{ '%s %s' % 'x' }}",
    # subscripts and slices
    "{{ 'héllo'[1] }} {{ 'héllo'[-1] }} {{ 'abc'[5] }}| {{ [1, 2][-3] }}| {{ [1, 2][1] }} {{ {'a': 1}['a'] }} {{ {'a': 1}.a }} {{ {'a': 1}.b }}| {{ {1: 2}[1] }} {{ 'abc'.0 }}",
    "{{ 'hello'[1:3] }} {{ 'hello'[:-1] }} {{ 'hello'[::-1] }} {{ 'hello'[::2] }} {{ 'hello'[10:] }}| {{ 'hello'[-3:] }} {{ 'hello'[3:1] }}| {{ 'hello'[4:1:-1] }} {{ 'wörld'[1:2] }}",
    "{{ [1, 2, 3][1:] }} {{ [1, 2, 3][::-1] }} {{ (1, 2, 3)[:2] }} {{ [1, 2, 3][-100:100] }} {{ [1, 2, 3][2:0:-1] }} {{ [1, 2, 3][:none] }}", "{{ 'abc'[::0] }}", "{{ [1].x }}| {{ none.x }}| {{ 1 .x }}|", "{{ none[1:] }}|", "{{ none.x.y }}", "{{ {'items': 1}.items() | list }} {{ {'items': 1}['items'] }} {{ {'get': 5}['get'] }}",
    # undefined
    "{{ nothing }}|{{ nothing | length }}|{{ nothing | default('d') }}|{{ '' | default('d') }}|{{ '' | default('d', true) }}|{{ nothing | list }}|{{ nothing == 1 }}|{{ nothing == other }}|{{ 1 in nothing }}|{{ not nothing }}|{{ nothing ~ 'x' }}",
    "{{ nothing.attribute }}", "{{ nothing['item'] }}", "{{ nothing() }}", "{{ nothing + 1 }}", "{{ 'a' + nothing }}", "{{ nothing < 1 }}", "{{ nothing[1:] }}", "{{ -nothing }}", "{{ nothing | tojson }}", "{{ nothing | int }}", "{{ nothing | items | list }}", "{% for x in nothing %}x{% else %}none{% endfor %}",
    "{{ nothing is defined }} {{ nothing is undefined }} {{ nothing is none }} {{ nothing is iterable }} {{ nothing is sequence }} {{ nothing is string }} {{ nothing is mapping }}", "{{ {'a': none}.a is none }} {{ {'a': none}.a is defined }} {{ nothing | trim }}|{{ nothing | upper }}|{{ nothing | join(',') }}|",
    # statements
    "{% for i in range(3) %}{{ i }}{{ loop.first }}{{ loop.last }}{{ loop.index }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.length }}{{ loop.depth }} {% endfor %}", "{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }};{% endfor %}{% for (k, v) in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "{% for c in 'añb' %}[{{ c }}]{% endfor %}{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}",
    "{% for i in range(9) if i % 2 %}{{ loop.index }}:{{ i }} {% endfor %}{% for i in [1] if i > 1 %}x{% else %}no{% endfor %}", "{% for i in range(3) %}{% for j in range(2) %}{{ loop.index }}{{ loop.depth }}{% endfor %}{{ loop.index }};{% endfor %}", "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }};{% endfor %}{{ x }}", "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "{% if false %}{% set x = 2 %}{% endif %}{{ x is defined }}", "{% set a, b = 1, 'z' %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}", "{% set a, b = [1] %}", "{% set ns = namespace(x=1, y=[]) %}{% for i in range(3) %}{% set ns.x = ns.x * 2 %}{% set ns.z = i %}{% endfor %}{{ ns.x }}{{ ns.z }}{{ ns.q is defined }}{{ ns['x'] }}",
    "{% set x = 1 %}{% set x.y = 2 %}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{% set b %}<{{ 1 }}>{% endset %}{{ b }}{% set b | upper %}abc{% endset %}{{ b }}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}",
    "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(a=5, b=6) }}{{ m() }}{{ m(1, c=9) }}", "{% macro m(a) %}{% if a > 0 %}{{ a }}{{ m(a - 1) }}{% endif %}{% endmacro %}{{ m(5) }}{{ m(2) | length }}", "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "{% macro m() %}{% set y = 1 %}{{ y }}{% endmacro %}{{ m() }}{{ y is defined }}",
    "{% for i in range(2) %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}{{ m is defined }}", "{% macro f(a, b) %}{{ a }}-{{ b }}{% endmacro %}{{ f(*[1, 2]) }}{{ f(**{'a': 3, 'b': 4}) }}{{ f(*'xy') }}",
    # filters
    "{{ ' a b ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ 5 | trim }}|{{ none | trim }}", "{{ 'aB ß' | upper }} {{ 'AbC É' | lower }} {{ 'hello WORLD foo-bar (x) it\\'s' | title }} {{ 'hELLO wORLD' | capitalize }} {{ 'ab cd'.title() }} {{ \"it's 3x o'clock\".title() }}", "{{ 'abc' | length }} {{ [1, 2] | count }} {{ {'a': 1} | length }} {{ 'é世' | length }}", "{{ 5 | length }}", "{{ none | length }}",
    "{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }} {{ [1, 3, 2] | sort(reverse=true) }} {{ [{'a': 2, 'n': 'x'}, {'a': 1, 'n': 'y'}] | sort(attribute='a') | map(attribute='n') | join }}", "{{ [1, 'a'] | sort }}", "{{ {'b': 1, 'A': 2, 'c': 0} | dictsort }} {{ {'b': 1, 'A': 2} | dictsort(by='value') }} {{ {'b': 1, 'A': 2} | dictsort(true, reverse=true) }}",
    "{{ [1, 2, 3] | join }} {{ [1, 'a', none] | join(', ') }} {{ 'abc' | join('-') }} {{ [{'x': 1}, {'x': 2}] | join('+', attribute='x') }} {{ ', '.join(['a', 'b']) }}", "{{ ', '.join([1]) }}", "{{ [1, 2, 3] | first }} {{ [1, 2, 3] | last }} {{ 'abc' | last }} {{ [] | first }}| {{ {'k': 1} | first }}", "{{ [1, 2, 3] | reverse | list }} {{ 'añc' | reverse }}",
    "{{ ['a', 'B', 'a', 'b'] | unique | list }} {{ [1, 2, 1] | unique | list }}", "{{ [1, 2, 3, 4] | select('odd') | list }} {{ [0, 1, ''] | select | list }} {{ [1, 2, 3] | reject('equalto', 2) | list }} {{ [1, none] | reject('none') | list }} {{ [3, 5] | select('in', [5]) | list }}", "{{ ['a ', ' b'] | map('trim') | list }} {{ [{'a': {'b': 1}}, {'a': {}}] | map(attribute='a.b', default=0) | list }} {{ ['a', 'b'] | map('upper') | join }} {{ ['x,y'] | map('replace', ',', ';') | list }}",
    "{{ none | selectattr('a') | list }} {{ [] | map('upper') | list }} {{ 1 | map('upper') | list }}", "{{ [{'a': 1, 'r': 'x'}, {'r': 'y'}] | selectattr('a', 'defined') | map(attribute='r') | list }} {{ [{'a': 0}, {'a': 1}] | selectattr('a') | list }}", "{% set g = [1, 2] | map('string') %}{{ g | list }}{{ g | list }}{% if g %}true{% endif %}", "{{ ([1] | map('string'))[0] }}", "{{ [1] | map('string') | length }}", "{{ [1] | map('nonsense') | list }}",
    "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb\\n' | indent(1, blank=true) }}|{{ 'a\\nb\\n' | indent('--', first=true) }}|{{ '' | indent }}|{{ 'a\\r\\nb' | indent(1) }}", "{{ 'aXbX' | replace('X', '-') }} {{ 'aXbX' | replace('X', '', 1) }} {{ 'ab' | replace('', '-') }} {{ 'abc' | replace('', '-', 2) }} {{ 121 | replace(1, 2) }} {{ 'ab'.replace('', '.') }}",
    "{{ '12' | int }} {{ '1.9' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ 2.9 | int }} {{ ' 5 ' | int }} {{ none | int }} {{ '1.5' | float }} {{ 3 | float }} {{ 'x' | float }} {{ true | int }}", "{{ 'a' | string }} {{ 1 | string }} {{ [1] | string }} {{ none | string }} {{ 'x' | safe }} {{ ('<a>' | safe) + '<&>' }} {{ '\"' + ('<b>' | safe) + \"'\" }} {{ ('<' | safe) ~ '<' }} {{ ('<' | safe) + ('>' | safe) }}", "{{ {'a': 1}.items() | list }} {{ {'a': 1} | items | list }} {{ {'a': 1}.keys() | list }} {{ {'a': 1}.values() | list }} {{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }}", "{{ [1] | items | list }}", "{{ 1 | nonsense }}", "{% if false %}{{ 1 | nonsense }}{% endif %}ok", "{% if true %}{{ 1 | nonsense }}{% endif %}",
    # JSON
    "{{ {'a': [1, 2.5, none, true, 'x'], 'b': {}, 'c': [], 3: 'n', none: 0, true: 1} | tojson }}", "{{ 'é\\u2028<>&\\'\"\\\\/\\n\\t\\x00\\x1f\\x7f\\b\\f\\r😀' | tojson }} {{ 'é😀' | tojson(ensure_ascii=true) }}", "{{ {'b': [1, {'c': []}], 'a': {}} | tojson(indent=2) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ [1, {'a': 2}] | tojson(separators=(',', ':')) }} {{ [1, 2] | tojson(indent=0) }} {{ [1] | tojson(indent='\t') }}", "{{ 1e22 | tojson }} {{ 0.1 | tojson }} {{ (1, 2) | tojson }} {{ 5 | tojson }} {{ none | tojson }} {{ 1e-5 | tojson }}", "{{ range(2) | tojson }}", "{{ namespace() | tojson }}",
    # tests
    "{{ 1 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 1.0 is integer }} {{ true is boolean }} {{ 1 is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }}", "{{ 'a' is string }} {{ [] is string }} {{ {} is mapping }} {{ [] is mapping }} {{ [] is sequence }} {{ 'a' is sequence }} {{ {} is sequence }} {{ 1 is sequence }} {{ {} is iterable }} {{ 1 is iterable }} {{ 'a' is iterable }} {{ none is none }} {{ {}.items() is sequence }} {{ range is callable }} {{ 1 is callable }}",
    "{{ 4 is even }} {{ 3 is odd }} {{ 6 is divisibleby 3 }} {{ 6 is divisibleby(4) }} {{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 3 is ge(3) }} {{ 1 is in [1] }} {{ 'a' is lower }} {{ 'A' is upper }} {{ '1' is lower }} {{ none is sameas none }} {{ 1 is not none }} {{ not 1 is none }} {{ 2 is not divisibleby 2 or 1 }}", "{{ 1 is nonsense }}", "{{ 1 is defined and 2 is defined }} {{ 1 if nothing is not defined else 2 }}",
    # methods
    "{{ ' a '.strip() }}|{{ 'xxax'.strip('x') }}|{{ 'abcab'.rstrip('ba') }}|{{ '\\n a'.lstrip() }}|{{ 'a'.lstrip('') }}", "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.split(None, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b  c '.rsplit(None, 1) }} {{ ''.split(',') }} {{ ''.split() }} {{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ 'a\\nb'.splitlines(true) }} {{ 'aXXb'.split('XX')[-1] }}", "{{ 'a'.split('') }}",
    "{{ 'hello'.startswith('he') }} {{ 'hello'.endswith(('lo', 'x')) }} {{ 'hello'.startswith(('x', 'y')) }} {{ ''.startswith('') }}", "{{ 'héllo'.find('l') }} {{ 'hello'.find('x') }} {{ 'hello'.rfind('l') }} {{ 'hello'.count('l') }} {{ 'aaa'.count('aa') }} {{ 'ab'.count('') }} {{ [1, 2, 1].count(1) }} {{ [1, 2].index(2) }}", "{{ 'a-b'.replace('-', '+') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '12'.isdigit() }} {{ ''.isdigit() }}", "{{ 'ABC'.lower() }} {{ 'abc'.upper() }} {{ 'aBC dE'.capitalize() }} {{ 'straße ŉ ﬁ'.upper() }} {{ 'ΑΣ ΣΑΣ İ'.lower() }} {{ 'ﬁx'.capitalize() }} {{ 'ΌΔΟΣ'.title() }}",
    "{{ [].append(1) }}", "{{ {}.update({}) }}", "{{ 'a'.nonsense() }}", "{{ 'a'.nonsense }}|", "{{ 5() }}", "{{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ dict([('a', 1)]) }}", "{{ raise_exception('no') }}", "{{ range(1000000) | length }}", "{{ strftime_now('%Y') }}", "{{ 'abc'[1:] is string }}",
    # syntax errors
    "{{ 1", "{% if %}{% endif %}", "{% if 1 %}", "{% endif %}", "{{ }}", "{{ 1 2 }}", "{{ (1 }}", "{{ [1) }}", "{% for x %}{% endfor %}", "{{ 'a }}", "{{ a. }}", "{% nonsense %}", "{% set 1 = 2 %}", "{{ $ }}", "{# open", "{{ f(a=1, 2) }}", "{% break %}", "{% for i in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "{{ 1 is defined is defined }}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ {1} }}", "{% else %}", "{% set true = 1 %}",
]

_SOME = ["one question, prompt", "three turns, no prompt", "white space, prompt", "special tokens, prompt", "no messages, prompt",
         "unicode, no prompt", "thinking, prompt", "late system, no prompt", "unknown role, prompt", "tools called, prompt", "parts, no prompt"]


def cases():
    """(template, name of a conversation or None) of all goldens."""
    for template in TEMPLATES.values():
        for conversation in _SOME:
            yield template, conversation
    for piece in PIECES:
        yield piece, None
