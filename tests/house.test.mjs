// The house is complete: a folder in functions/ has its role, its trigger, its settings, its sample event and its
// journey, and the routes it declares are the routes that are wired and written down.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const read = (...names) => fs.readFileSync(path.join(ROOT, ...names), 'utf8');
const list = (name) => (fs.existsSync(path.join(ROOT, name)) ? fs.readdirSync(path.join(ROOT, name), { recursive: true }) : []);

const TEMPLATES = ['foundation.yaml', 'wiring.yaml', 'routes.yaml'];
const functions = fs.readdirSync(path.join(ROOT, 'functions')).sort();
const camel = (name) => name.split('-').map((part) => part[0].toUpperCase() + part.slice(1)).join('');

/** Logical id -> text of every resource of a template. */
function resources(file) {
  const body = read('infra', file).split(/^Resources:$/m)[1].split(/^Outputs:$/m)[0];
  const blocks = body.split(/^ {2}(?=[A-Z]\w*:$)/m).slice(1);
  return new Map(blocks.map((block) => [block.slice(0, block.indexOf(':')), block]));
}

const foundation = resources('foundation.yaml');
const wiring = new Map([...resources('wiring.yaml'), ...resources('routes.yaml')]);
const settings = read('infra', 'functions.toml');

const alias = (name) => `function:\${Prefix}-${name}:live"`;
const ofType = (type) => [...wiring].filter(([, text]) => text.includes(`Type: ${type}\n`));
/** Triggers are what names the function, permissions aside: those only allow. */
const triggersOf = (name) => ['AWS::ApiGatewayV2::Integration', 'AWS::Events::Rule', 'AWS::Lambda::EventSourceMapping']
  .flatMap(ofType).filter(([, text]) => text.includes(alias(name)));

function wiredRoutes(name) {
  const integrations = ofType('AWS::ApiGatewayV2::Integration').filter(([, text]) => text.includes(alias(name))).map(([id]) => id);
  return ofType('AWS::ApiGatewayV2::Route')
    .filter(([, text]) => integrations.some((id) => text.includes(`integrations/\${${id}}`)))
    .map(([, text]) => text.match(/RouteKey: "([^"]+)"/)[1])
    .filter((key) => key !== '$default').sort();
}

/** The `ROUTES` of a function, read from its source: `Method::GET, path: "/departments"`. */
function declaredRoutes(name) {
  const sources = list(`functions/${name}/src`).filter((file) => file.endsWith('.rs'));
  const text = sources.map((file) => read('functions', name, 'src', file)).join('\n');
  const table = text.match(/\bROUTES: [^=]*=([\s\S]*?)\];/);
  if (!table) return [];
  return [...table[1].matchAll(/Method::([A-Z]+)\s*,\s*(?:path:\s*)?"(\/[^"]*)"/g)].map(([, method, where]) => `${method} ${where}`).sort();
}

/** The routes of ARCHITECTURE.md: `| content | GET / · GET /departments |`. */
function documentedRoutes(name) {
  const row = read('ARCHITECTURE.md').match(new RegExp(`^\\| \`?${name}\`? \\|(.*)\\|$`, 'm'));
  return [...(row?.[1] ?? '').matchAll(/\b(GET|POST|PUT|DELETE|PATCH) (\/[^\s?`|]*)/g)].map(([, method, where]) => `${method} ${where}`).sort();
}

for (const name of functions) {
  test(`function ${name}`, async (t) => {
    await t.test('has a role', () => {
      assert.match(foundation.get(`${camel(name)}Role`) ?? '', /Type: AWS::IAM::Role/, `function ${name} has no role ${camel(name)}Role in infra/foundation.yaml`);
    });
    await t.test('has a log group', () => {
      assert.ok(foundation.has(`${camel(name)}Log`), `function ${name} has no log group ${camel(name)}Log in infra/foundation.yaml`);
    });
    await t.test('has settings', () => {
      assert.ok(settings.includes(`\n[${name}]\n`), `function ${name} has no entry in infra/functions.toml`);
    });
    await t.test('has a trigger', () => {
      assert.ok(triggersOf(name).length > 0, `function ${name} has no route, rule or event source in infra/wiring.yaml`);
    });
    await t.test('may be invoked by what triggers it', () => {
      const pulled = triggersOf(name).every(([, text]) => text.includes('AWS::Lambda::EventSourceMapping'));
      const allowed = ofType('AWS::Lambda::Permission').some(([, text]) => text.includes(alias(name)));
      assert.ok(pulled || allowed, `function ${name} has no AWS::Lambda::Permission in infra/wiring.yaml`);
    });
    await t.test('has an error alarm', () => {
      assert.ok(wiring.has(`${camel(name)}ErrorAlarm`), `function ${name} has no alarm ${camel(name)}ErrorAlarm in infra/wiring.yaml`);
    });
    await t.test('has a sample event', () => {
      const sample = new RegExp(`^${name}([./-].*)?\\.json$`);
      assert.ok(list('events').some((file) => sample.test(file)), `function ${name} has no sample in events/ (${name}.json or ${name}-….json)`);
    });
    await t.test('has a journey', () => {
      const journeys = list('tests/journeys').filter((file) => file.endsWith('.mjs'));
      const named = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
      assert.ok(journeys.some((file) => named.test(read('tests/journeys', file))), `function ${name} has no journey: no file of tests/journeys mentions it`);
    });
    await t.test('declares the routes that are wired', () => {
      assert.deepEqual(declaredRoutes(name), wiredRoutes(name), `function ${name}: its ROUTES (left) are not its routes in infra/routes.yaml (right)`);
    });
    await t.test('has its routes written down', () => {
      assert.deepEqual(documentedRoutes(name), wiredRoutes(name), `function ${name}: the routes of ARCHITECTURE.md (left) are not those of infra/routes.yaml (right)`);
    });
  });
}

test('nothing is deployed that has no folder', () => {
  const roles = [...foundation].filter(([, text]) => text.includes('Type: AWS::IAM::Role\n')).map(([id]) => id.replace(/Role$/, ''));
  assert.deepEqual(roles.sort(), functions.map(camel).sort(), 'roles of infra/foundation.yaml (left) and folders of functions/ (right) differ');
  const configured = [...settings.matchAll(/^\[([\w-]+)\]$/gm)].map(([, name]) => name);
  assert.deepEqual(configured.sort(), functions, 'entries of infra/functions.toml (left) and folders of functions/ (right) differ');
});

test('every alarm in the code wakes somebody', () => {
  const sources = ['functions', 'shared'].flatMap((folder) => list(folder).filter((file) => file.endsWith('.rs')).map((file) => read(folder, file)));
  const codes = new Set(sources.flatMap((text) => [...text.matchAll(/\balarm = "(\w+)"/g)].map(([, code]) => code)));
  assert.ok(codes.size > 0);
  const filters = ofType('AWS::Logs::MetricFilter').map(([, text]) => text);
  const alarms = ofType('AWS::CloudWatch::Alarm').map(([, text]) => text);
  for (const code of codes) {
    const isFiltered = filters.some((text) => text.includes(`FilterPattern: '"${code}"'`) && text.includes(`MetricName: ${code},`));
    assert.ok(isFiltered, `no metric filter of infra/wiring.yaml counts the log lines with alarm ${code}`);
    assert.ok(alarms.some((text) => text.includes(`MetricName: ${code}\n`)), `no alarm of infra/wiring.yaml watches ${code}`);
  }
});

test('every route key is wired once', () => {
  const keys = ofType('AWS::ApiGatewayV2::Route').map(([, text]) => text.match(/RouteKey: "([^"]+)"/)[1]);
  assert.deepEqual(keys.filter((key, index) => keys.indexOf(key) !== index), [], 'these route keys are wired twice');
});

test('templates name no partition and no endpoint suffix', () => {
  for (const file of TEMPLATES) {
    assert.doesNotMatch(read('infra', file), /arn:aws[:-]|amazonaws\.com\.cn/, `infra/${file} must say \${AWS::Partition} and \${AWS::URLSuffix}`);
  }
});

test('a template is small enough to be passed inline', () => {
  for (const file of TEMPLATES) {
    assert.ok(Buffer.byteLength(read('infra', file)) <= 51_200, `infra/${file} is over the 51,200 bytes CloudFormation takes inline`);
  }
});

/** What a function's role may do, by what its environment gives it to work on. */
test('roles and environments agree', () => {
  const grants = {
    TABLE_NAME: '!GetAtt Table.Arn', IDENTITY_SECRET: '!Ref IdentitySecret', WECHAT_SECRET: '!Ref WechatSecret',
    PAY_SECRET: '!Ref PaySecret', HIS_SECRET: '!Ref HisSecret', STAFF_SECRET: '!Ref StaffSecret', BUS_NAME: '!GetAtt Bus.Arn',
  };
  for (const name of functions) {
    const entry = settings.split(`\n[${name}]\n`)[1]?.split(/^\[/m)[0] ?? '';
    const role = foundation.get(`${camel(name)}Role`) ?? '';
    for (const [variable, grant] of Object.entries(grants)) {
      assert.equal(role.includes(grant), entry.includes(`"${variable}"`), `function ${name}: ${variable} in infra/functions.toml and ${grant} in its role must go together`);
    }
  }
});
