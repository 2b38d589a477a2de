// %41 is A; what is no escape stays as it is (RFC 3986 2.1).
export function unescaped(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}
