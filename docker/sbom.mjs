// Prints the software bill of materials of the binary: SPDX 2.3 as JSON. The same input gives the same bytes.
//
//   node docker/sbom.mjs VERSION GLIBC GCC LIBRARIES LOCK     build/deps/versions.txt, admin-ui/package-lock.json
//
// SOURCE_DATE_EPOCH dates it; without, it bears the date of the Epoch, as a build has no other date of its own.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [version, glibc, gcc, libraries, lock] = process.argv.slice(2);

// What the sources' licence files say, in SPDX's terms. An unknown library is an error: someone must look.
const licences = {
    mbedtls: 'Apache-2.0 OR GPL-2.0-or-later',
    libwebsockets: 'MIT',
    libre: 'BSD-3-Clause',
    libsrtp2: 'BSD-3-Clause',
    opus: 'BSD-3-Clause',
    sqlite3: 'blessing',
    yyjson: 'MIT',
    argon2: 'CC0-1.0 OR Apache-2.0',
    coturn: 'BSD-3-Clause',
};

function entry(kind, name, versionInfo, licence, rest = {}) {
    return {
        SPDXID: `SPDXRef-${kind}-${name.replace(/[^A-Za-z0-9.-]/g, '-')}`,
        name,
        versionInfo,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: licence,
        licenseDeclared: licence,
        copyrightText: 'NOASSERTION',
        ...rest,
    };
}

const purl = (locator) => ({
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator }],
});
const debian = (name, release) => purl(`pkg:deb/debian/${name}@${encodeURIComponent(release)}?arch=source&distro=trixie`);

function library(line) {
    const [, name, release, , patches] = /^(\S+) (\S+)( patched: (.*))?$/.exec(line);
    if (!licences[name]) throw new Error(`${libraries}: ${name}: which licence?`);
    const sourceInfo = patches ? { sourceInfo: `with patches ${patches}` } : {};
    return entry('Library', name, release, licences[name], { ...debian(name, release), ...sourceInfo });
}

function script([path, it]) {
    const name = path.replace(/^.*node_modules\//, '');
    const checksumValue = Buffer.from(it.integrity.replace('sha512-', ''), 'base64').toString('hex');
    return entry('Script', name, it.version, it.license, {
        ...purl(`pkg:npm/${encodeURIComponent(name)}@${it.version}`),
        checksums: [{ algorithm: 'SHA512', checksumValue }],
    });
}

const packages = [
    entry('Package', 'dngate', version, 'BSD-3-Clause', { primaryPackagePurpose: 'APPLICATION' }),
    ...readFileSync(libraries, 'utf8').trim().split('\n').map(library),
    entry('Library', 'glibc', glibc, 'LGPL-2.1-or-later'),
    entry('Library', 'libgcc', gcc, 'GPL-3.0-or-later WITH GCC-exception-3.1'),
    ...Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages).filter(([path, it]) => path && !it.dev).map(script),
];
const [dngate, ...parts] = packages.map((p) => p.SPDXID);
const digest = createHash('sha256').update(JSON.stringify(packages)).digest('hex');
const created = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000).toISOString().replace(/\.\d+/, '');
const relate = (spdxElementId, relationshipType, relatedSpdxElement) => ({ spdxElementId, relationshipType, relatedSpdxElement });

process.stdout.write(JSON.stringify({
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `dngate-${version}`,
    documentNamespace: `https://spdx.org/spdxdocs/dngate-${encodeURIComponent(version)}-${digest.slice(0, 32)}`,
    creationInfo: { created, creators: ['Tool: docker/sbom.mjs'] },
    packages,
    relationships: [
        relate('SPDXRef-DOCUMENT', 'DESCRIBES', dngate),
        ...parts.map((part) => relate(dngate, part.startsWith('SPDXRef-Script') ? 'CONTAINS' : 'STATIC_LINK', part)),
    ],
}, null, 1) + '\n');
