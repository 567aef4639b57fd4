using System.Reflection;
using Monge.Cli;
using Monge.Engine.Random;
using Monge.Gallery;
using Monge.Measures;

namespace Monge.Tests.Architecture;

public sealed class RandomStreamTests
{
    private const BindingFlags Statics = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    // Every static field that holds the name of a random stream, wherever it is declared.
    private static (string Place, StreamName Stream)[] Declared() =>
    [
        .. new[] { typeof(StreamName), typeof(Density), typeof(GalleryCatalogue), typeof(MongeCommand) }
            .SelectMany(type => type.Assembly.GetTypes())
            .SelectMany(type => type.GetFields(Statics))
            .Where(field => field.FieldType == typeof(StreamName))
            .Select(field => ($"{field.DeclaringType}.{field.Name}", (StreamName)field.GetValue(null)!)),
    ];

    [Fact]
    public void No_two_random_streams_share_a_number_or_a_name()
    {
        var declared = Declared();
        Assert.True(declared.Length > 90, $"only {declared.Length} streams were found.");
        foreach (var shared in declared.GroupBy(d => d.Stream.Number).Concat<IEnumerable<(string Place, StreamName Stream)>>(
            declared.GroupBy(d => d.Stream.Name)).Where(g => g.Count() > 1))
        {
            Assert.Fail(
                $"{string.Join(" and ", shared.Select(s => $"{s.Place} (\"{s.Stream.Name}\", {s.Stream.Number})"))} draw the same numbers; give one of them "
                + "another name.");
        }
    }
}
