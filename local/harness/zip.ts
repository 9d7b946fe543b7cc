import { crc32 } from 'node:zlib';

/** The system whose attributes the archive has. */
const UNIX = 3;
const REGULAR_FILE = 0o100000;

/**
 * An uncompressed ZIP archive of one file with the given permissions (0o644, for example). Layout: PKWARE's APPNOTE,
 * sections 4.3.7, 4.3.12, 4.3.16, 4.4.2 and 4.4.15.
 */
export function zip(name: string, content: string, permissions?: number): Buffer {
  const fileName = Buffer.from(name);
  const data = Buffer.from(content);
  const description = Buffer.alloc(26);
  description.writeUInt16LE(20, 0); // version needed
  description.writeUInt32LE(crc32(data), 10);
  description.writeUInt32LE(data.length, 14); // compressed
  description.writeUInt32LE(data.length, 18); // uncompressed
  description.writeUInt16LE(fileName.length, 22);

  const rest = Buffer.alloc(14); // no comment, first disk, file at offset 0
  if (permissions !== undefined) rest.writeUInt32LE((REGULAR_FILE | permissions) * 2 ** 16, 6); // attributes

  const file = Buffer.concat([Buffer.from('PK\x03\x04'), description, fileName, data]);
  const entry = Buffer.concat([
    Buffer.from('PK\x01\x02'),
    Buffer.from([20, permissions === undefined ? 0 : UNIX]), // version made by
    description,
    rest,
    fileName,
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0);
  end.writeUInt16LE(1, 8); // entries on this disk
  end.writeUInt16LE(1, 10); // entries
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(file.length, 16);
  return Buffer.concat([file, entry, end]);
}
