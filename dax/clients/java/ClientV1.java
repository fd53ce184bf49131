import com.amazon.dax.client.dynamodbv2.AmazonDaxClientBuilder;
import com.amazon.dax.client.dynamodbv2.ClientConfig;
import com.amazonaws.AmazonServiceException;
import com.amazonaws.auth.EnvironmentVariableCredentialsProvider;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDB;
import com.amazonaws.services.dynamodbv2.model.TransactionCanceledException;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Calls operations through amazon-dax-client 1 for Java, of the AWS SDK v1. Started as {@code ClientV1 URL}; commands and
 * outcomes are lines of JSON (../client-process.ts). Credentials are those of the environment.
 */
public final class ClientV1 implements Commands.Caller<AmazonDynamoDB> {
  private static final String MODEL = "com.amazonaws.services.dynamodbv2.model.";
  /** The client's own is a second, and a JVM's first handshake may take longer on a busy machine. */
  private static final long PATIENCE_SECONDS = 10;

  public static void main(String[] arguments) throws Exception {
    Commands.serve(arguments[0], new ClientV1());
  }

  @Override
  public AmazonDynamoDB open(String url) {
    ClientConfig patient =
        new ClientConfig().withConnectTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).withHealthCheckTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS);
    return AmazonDaxClientBuilder.standard()
        .withClientConfiguration(patient)
        .withRegion("us-east-1")
        .withCredentials(new EnvironmentVariableCredentialsProvider())
        .withEndpointConfiguration(url)
        .build();
  }

  @Override
  public JsonElement call(AmazonDynamoDB client, String operation, JsonObject parameters) throws Throwable {
    Class<?> requestClass = Class.forName(MODEL + operation + "Request");
    Object request = filled(requestClass, parameters);
    return shown(Commands.invoke(AmazonDynamoDB.class, client, operation, request));
  }

  private static Object filled(Class<?> bean, JsonObject members) throws Exception {
    Object object = bean.getConstructor().newInstance();
    for (Map.Entry<String, JsonElement> member : members.entrySet()) {
      Method setter = setter(bean, "set" + member.getKey());
      setter.invoke(object, value(setter.getGenericParameterTypes()[0], member.getValue()));
    }
    return object;
  }

  /** Enumerations have one for their values and one for texts, which takes any. */
  private static Method setter(Class<?> bean, String name) {
    Method found = null;
    for (Method method : bean.getMethods()) {
      if (!method.getName().equals(name) || method.getParameterCount() != 1) continue;
      Class<?> type = method.getParameterTypes()[0];
      if (!type.isEnum() && !type.isArray()) found = method;
    }
    if (found == null) throw new IllegalArgumentException(bean.getSimpleName() + " has no " + name);
    return found;
  }

  private static Object value(Type type, JsonElement json) throws Exception {
    if (json.isJsonNull()) return null;
    if (type == String.class) return json.getAsString();
    if (type == Integer.class) return json.getAsInt();
    if (type == Long.class) return json.getAsLong();
    if (type == Double.class) return json.getAsDouble();
    if (type == Boolean.class) return json.getAsBoolean();
    if (type == ByteBuffer.class) return ByteBuffer.wrap(Base64.getDecoder().decode(json.getAsString()));
    if (type instanceof ParameterizedType generic && Collection.class.isAssignableFrom((Class<?>) generic.getRawType())) {
      List<Object> list = new ArrayList<>();
      for (JsonElement each : json.getAsJsonArray()) list.add(value(generic.getActualTypeArguments()[0], each));
      return list;
    }
    if (type instanceof ParameterizedType generic && Map.class.isAssignableFrom((Class<?>) generic.getRawType())) {
      Map<String, Object> map = new LinkedHashMap<>();
      for (Map.Entry<String, JsonElement> each : json.getAsJsonObject().entrySet()) {
        map.put(each.getKey(), value(generic.getActualTypeArguments()[1], each.getValue()));
      }
      return map;
    }
    return filled((Class<?>) type, json.getAsJsonObject());
  }

  private static JsonElement shown(Object value) throws Exception {
    if (value == null) return JsonNull.INSTANCE;
    if (value instanceof Collection<?> list) {
      JsonArray elements = new JsonArray();
      for (Object each : list) elements.add(shown(each));
      return elements;
    }
    if (value instanceof Map<?, ?> map) {
      JsonObject members = new JsonObject();
      for (Map.Entry<?, ?> each : map.entrySet()) members.add((String) each.getKey(), shown(each.getValue()));
      return members;
    }
    if (value instanceof ByteBuffer bytes) {
      byte[] copy = new byte[bytes.remaining()];
      bytes.duplicate().get(copy);
      return new JsonPrimitive(Base64.getEncoder().encodeToString(copy));
    }
    if (value instanceof Number number) return new JsonPrimitive(number);
    if (value instanceof Boolean truth) return new JsonPrimitive(truth);
    if (value instanceof String text) return new JsonPrimitive(text);
    JsonObject members = new JsonObject();
    for (Method method : value.getClass().getDeclaredMethods()) {
      if (!method.getName().startsWith("get") || method.getParameterCount() != 0) continue;
      Object member = method.invoke(value);
      if (member != null) members.add(method.getName().substring("get".length()), shown(member));
    }
    return members;
  }

  @Override
  public JsonObject failure(Throwable thrown) throws Exception {
    JsonObject error = new JsonObject();
    String code = thrown.getClass().getSimpleName();
    String message = String.valueOf(thrown.getMessage());
    if (thrown instanceof AmazonServiceException service) {
      error.addProperty("status", service.getStatusCode());
      if (service.getErrorCode() != null) code = service.getErrorCode();
      if (service.getErrorMessage() != null) message = service.getErrorMessage();
    }
    error.addProperty("code", code);
    error.addProperty("message", message);
    if (thrown instanceof TransactionCanceledException cancelled && cancelled.getCancellationReasons() != null) {
      error.add("reasons", shown(cancelled.getCancellationReasons()));
    }
    return error;
  }
}
