# A whole life with the library acme-client: what to do is JSON on standard input, made by test_libraries.py.
require 'acme-client'
require 'json'
require 'openssl'

want = JSON.parse($stdin.read)

def make(kind)
  name, bits = kind.split('-')
  return OpenSSL::PKey::RSA.new(bits.to_i) if name == 'RSA'
  OpenSSL::PKey::EC.generate({ '256' => 'prime256v1', '384' => 'secp384r1', '521' => 'secp521r1' }[bits])
end

# The library drops leading zeros of a coordinate (see test_libraries.py); want['zeros'] asks for a key that has some.
def make_account(want)
  loop do
    key = make(want['account'])
    return key if key.is_a?(OpenSSL::PKey::RSA)
    coordinates = key.public_key.to_bn.to_s(2)[1..]
    half = coordinates.length / 2
    zeros = coordinates[0] == "\0" || coordinates[half] == "\0"
    return key if zeros == (want['zeros'] || false)
  end
end

# The library's own has DNS names only.
def request(identifiers, key)
  names = identifiers.map { |one| one['value'] }
  return Acme::Client::CertificateRequest.new(names: names, private_key: key) if identifiers.none? { |one| one['type'] == 'ip' }
  OpenSSL::X509::Request.new.tap do |csr|
    csr.public_key = key
    extension = OpenSSL::X509::ExtensionFactory.new.create_extension('subjectAltName', "IP:#{names.join(',IP:')}")
    csr.add_attribute(OpenSSL::X509::Attribute.new('extReq', OpenSSL::ASN1::Set([OpenSSL::ASN1::Sequence([extension])])))
    csr.sign(key, 'SHA256')
  end
end

def answer(challenge, name, want)
  folder = want['folder']
  if challenge.challenge_type == 'http-01'
    File.write("#{folder}/#{challenge.token}", challenge.file_content)
  else
    File.write("#{folder}/_acme-challenge.#{name}", challenge.record_content + "\n", mode: 'a')
  end
  challenge.request_validation
end

def wait(object, states)
  100.times do
    object.reload
    return if states.include?(object.status)
    raise "#{object.status}: #{object.to_h}" if object.status == 'invalid'
    sleep 0.05
  end
  raise "still #{object.status}"
end

client = Acme::Client.new(private_key: make_account(want), directory: want['directory'], bad_nonce_retry: 5)
account = client.new_account(contact: 'mailto:one@ruby.test', terms_of_service_agreed: true)
account.update(contact: 'mailto:two@ruby.test')
raise account.contact.inspect unless client.account.contact == ['mailto:two@ruby.test']

issue = lambda do |file|
  order = client.new_order(identifiers: want['identifiers'])
  order.authorizations.each do |authorization|
    next if authorization.status == 'valid'
    challenge = authorization.send(want['challenge'] == 'http-01' ? :http : :dns)
    answer(challenge, authorization.domain, want)
    wait(challenge, ['valid'])
  end
  wait(order, ['ready'])
  order.finalize(csr: request(want['identifiers'], make(want['certificate'])))
  wait(order, ['valid'])
  File.write(file, order.certificate)
end

issue.call('first.pem')
if want['life']
  client.account_key_change(new_private_key: make_account(want))
  issue.call('second.pem')
  client.revoke(certificate: File.read('first.pem'), reason: 4)
  account.deactivate
  begin
    client.new_order(identifiers: want['identifiers'])
    raise 'a deactivated account ordered'
  rescue Acme::Client::Error::Unauthorized
    puts 'deactivated'
  end
end
