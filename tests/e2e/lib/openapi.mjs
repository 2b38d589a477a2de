// The document that the server gives of its REST, read by validators that others wrote.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(new URL('../../../admin-ui/package.json', import.meta.url));
const Ajv = require('ajv/dist/2020.js').default;
const addFormats = require('ajv-formats').default;

// What is wrong with the document itself: [] when nothing is.
export async function faultsOf(document) {
    const { Validator } = await import(pathToFileURL(require.resolve('@seriousme/openapi-schema-validator')));
    const { valid, errors } = await new Validator().validate(structuredClone(document));

    return valid ? [] : errors;
}

// Each operation as { method, path, role, security, parameters, body (schema of JSON, or undefined), bodyType, responses }.
export const operations = (document) => Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, o]) => ({
    method: method.toUpperCase(), path, role: o['x-role'], id: o.operationId, parameters: o.parameters, responses: o.responses,
    body: o.requestBody?.content['application/json']?.schema, bodyType: o.requestBody && Object.keys(o.requestBody.content)[0],
})));

// Says what is wrong with an answer of an operation ("" when nothing is).
export function answerChecker(document) {
    const ajv = new Ajv({ strict: false, allErrors: true });
    const compiled = new Map();

    addFormats(ajv);
    ajv.addSchema({ $id: 'document', ...document });
    return (operation, { status, headers, text }) => {
        const code = Object.keys(operation.responses).find((c) => c === String(status) || (c === '2XX' && status >= 200 && status < 300)) ?? 'default';
        const content = operation.responses[code].content ?? {};
        const type = headers['content-type'] ?? '';
        const path = `document#/paths/${operation.path.replaceAll('~', '~0').replaceAll('/', '~1')}/${operation.method.toLowerCase()}/responses/${code}/content/`;

        if (!text) return [204, 304].includes(status) ? '' : `${status} without a body`;
        if (!content[type]) return `${status} ${code} with Content-Type ${type}: not in the document`;
        if (!/json/.test(type)) return '';
        const pointer = encodeURI(`${path}${type.replaceAll('/', '~1')}/schema`);
        if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: pointer }));
        const check = compiled.get(pointer);
        return check(JSON.parse(text)) ? '' : ajv.errorsText(check.errors, { dataVar: 'answer' });
    };
}
