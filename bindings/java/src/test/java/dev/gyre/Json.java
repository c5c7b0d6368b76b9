// Json: reads the JSON files of the source tree that tests in C++ read too.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Valid JSON alone: maps, lists, texts, numbers as Double, Boolean, null. */
final class Json {
    private final String text;
    private int place;

    private Json(String text) {
        this.text = text;
    }

    static Object read(File file) throws IOException {
        byte[] bytes = Files.readAllBytes(file.toPath());
        return new Json(new String(bytes, StandardCharsets.UTF_8)).value();
    }

    private char peek() {
        while (Character.isWhitespace(text.charAt(place))) {
            place++;
        }
        return text.charAt(place);
    }

    /** Takes a character if it is next. */
    private boolean take(char wanted) {
        boolean found = peek() == wanted;
        place += found ? 1 : 0;
        return found;
    }

    private Object value() {
        switch (peek()) {
            case '{':
                return map();
            case '[':
                return list();
            case '"':
                return string();
            default:
                return word();
        }
    }

    private Map<String, Object> map() {
        Map<String, Object> map = new LinkedHashMap<>();
        take('{');
        while (!take('}')) {
            peek();
            String key = string();
            take(':');
            map.put(key, value());
            take(',');
        }
        return map;
    }

    private List<Object> list() {
        List<Object> list = new ArrayList<>();
        take('[');
        while (!take(']')) {
            list.add(value());
            take(',');
        }
        return list;
    }

    private String string() {
        StringBuilder string = new StringBuilder();
        for (place++; text.charAt(place) != '"'; place++) {
            string.append(text.charAt(place) == '\\' ? escaped() : text.charAt(place));
        }
        place++;
        return string.toString();
    }

    /** Leaves place at the escape's last character. */
    private char escaped() {
        char kind = text.charAt(++place);
        if (kind == 'u') {
            place += 4;
            return (char) Integer.parseInt(text.substring(place - 3, place + 1), 16);
        }
        int control = "bfnrt".indexOf(kind);
        return control < 0 ? kind : "\b\f\n\r\t".charAt(control);
    }

    private Object word() {
        int begin = place;
        while (place < text.length() && ",]} \n".indexOf(text.charAt(place)) < 0) {
            place++;
        }
        String word = text.substring(begin, place);
        return word.equals("null") ? null
                : word.equals("true") || word.equals("false") ? (Object) Boolean.valueOf(word)
                : Double.valueOf(word);
    }
}
