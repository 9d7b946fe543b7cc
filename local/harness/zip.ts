import { crc32 } from 'node:zlib';

/** An uncompressed ZIP archive of one file. Layout: PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and 4.3.16. */
export function zip(name: string, content: string): Buffer {
  const fileName = Buffer.from(name);
  const data = Buffer.from(content);
  const description = Buffer.alloc(26);
  description.writeUInt16LE(20, 0); // version needed
  description.writeUInt32LE(crc32(data), 10);
  description.writeUInt32LE(data.length, 14); // compressed
  description.writeUInt32LE(data.length, 18); // uncompressed
  description.writeUInt16LE(fileName.length, 22);

  const file = Buffer.concat([Buffer.from('PK\x03\x04'), description, fileName, data]);
  const entry = Buffer.concat([
    Buffer.from('PK\x01\x02'),
    Buffer.from([20, 0]), // version made by
    description,
    Buffer.alloc(14), // no comment, first disk, no attributes, file at offset 0
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
