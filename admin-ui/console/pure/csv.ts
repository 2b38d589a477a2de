// Text of tables (RFC 4180, and what spreadsheets make of it): pure.

const SEPARATORS = [',', ';', '\t'];

// The separator that the first line holds most often outside quotes; a comma when it holds none.
export function separatorOf(text: string): string {
    const end = text.search(/[\r\n]/);
    const line = (end < 0 ? text : text.slice(0, end)).replace(/"[^"]*"/g, '');
    const count = (s: string) => line.split(s).length;
    return SEPARATORS.reduce((best, s) => (count(s) > count(best) ? s : best), ',');
}

// Rows of cells; rows without any text are left out.
export function readCsv(text: string, separator = separatorOf(text)): string[][] {
    const rows: string[][] = [];
    let row: string[] = [];
    let cell = '';
    let quoted = false;
    const endCell = () => {
        row.push(cell);
        cell = '';
    };
    const endRow = () => {
        endCell();
        if (row.some((c) => c.trim())) rows.push(row);
        row = [];
    };

    for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; i++) {
        const c = text[i];
        if (quoted) {
            if (c !== '"') cell += c;
            else if (text[i + 1] === '"') cell += text[++i];
            else quoted = false;
        } else if (c === '"' && !cell) quoted = true;
        else if (c === separator) endCell();
        else if (c === '\n' || c === '\r') {
            if (c === '\r' && text[i + 1] === '\n') i++;
            endRow();
        } else cell += c;
    }
    if (cell || row.length) endRow();
    return rows;
}

const quote = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export const writeCsv = (rows: string[][]): string => rows.map((row) => row.map(quote).join(',') + '\n').join('');

// As the gateway reads it: commas, whatever the spreadsheet wrote. Line numbers stay those of the file.
export function commas(text: string): string {
    const separator = separatorOf(text);
    if (separator === ',') return text.replace(/^\ufeff/, '');
    let out = '';
    let quoted = false;
    for (const c of text.replace(/^\ufeff/, '')) {
        if (c === '"') quoted = !quoted;
        out += quoted || c !== separator ? c : ',';
    }
    // A comma in a cell that was not quoted, since it did not part cells there, must be now.
    return /^[^"]*$/.test(text) && text.includes(',') ? writeCsv(readCsv(text, separator)) : out;
}

// A file's text: UTF-8, UTF-16 with its mark, else what older spreadsheets of the West write.
export function decode(bytes: Uint8Array): string {
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
    try {
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
        return new TextDecoder('windows-1252').decode(bytes);
    }
}

const DN_HEADS = /^(dn|number|extension|ext|nummer|nebenstelle|rufnummer|durchwahl)$/i;
const NAME_HEADS = /^(name|display ?name|displayname|alias|agent|anzeigename|beschreibung|description)$/i;

export interface Columns {
    heads: string[]; // of the first row, when it is one
    rows: string[][]; // the others
    dn: number; // column
    name: number; // −1: none
}

// Which columns of a foreign list hold the DN and the name.
export function columnsOf(text: string): Columns {
    const rows = readCsv(text);
    const first = (rows[0] ?? []).map((c) => c.trim());
    const dn = first.findIndex((h) => DN_HEADS.test(h));
    if (dn < 0) return { heads: [], rows, dn: 0, name: first.length > 1 ? 1 : -1 };
    return { heads: first, rows: rows.slice(1), dn, name: first.findIndex((h) => NAME_HEADS.test(h)) };
}

// dn and name alone, as compare takes them.
export function pick({ rows, dn, name }: Columns): string {
    const cells = rows.map((row) => [row[dn] ?? '', name < 0 ? '' : row[name] ?? ''].map((c) => c.trim())).filter(([d]) => d);
    return name < 0 ? writeCsv([['dn'], ...cells.map(([d]) => [d])]) : writeCsv([['dn', 'name'], ...cells]);
}
