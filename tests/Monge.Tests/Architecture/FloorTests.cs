using ArchUnitNET.Loader;
using ArchUnitNET.xUnit;
using Monge.Cli;
using Monge.Engine.Programs;
using Monge.Gallery;
using Monge.Measures;
using static ArchUnitNET.Fluent.ArchRuleDefinition;
using static ArchUnitNET.Fluent.Slices.SliceRuleDefinition;

namespace Monge.Tests.Architecture;

/// <summary>The house's floors: assemblies know only those below them, and a room of the library knows only rooms below its own floor.</summary>
public sealed class FloorTests
{
    // From the lowest up. A new room is added here, on the lowest floor that its arrows allow.
    private static readonly string[][] s_floors =
    [
        ["OptimalTransport", "Data"],
        ["Measures", "Training", "Fields"],
        ["Paths", "Diagnostics"],
        ["Dynamics"],
        ["Objectives", "MonteCarlo", "References", "Runs"],
        ["Methods"],
    ];

    private static readonly Lazy<ArchUnitNET.Domain.Architecture> s_house =
        new(() => new ArchLoader().LoadAssemblies(typeof(Expr).Assembly, typeof(Density).Assembly).Build());

    public static TheoryData<string, string> Rooms()
    {
        var rooms = new TheoryData<string, string>();
        for (var floor = 0; floor < s_floors.Length; floor++)
        {
            foreach (var room in s_floors[floor])
            {
                rooms.Add(room, string.Join('|', s_floors.Skip(floor).SelectMany(f => f).Where(other => other != room)));
            }
        }

        return rooms;
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_knows_only_rooms_below_its_own_floor(string room, string others)
    {
        if (others.Length > 0)
        {
            Types().That().ResideInNamespaceMatching(Namespace(room)).Should()
                .NotDependOnAny(Types().That().ResideInNamespaceMatching(Namespace(others)))
                .Because("a room knows only rooms below its own floor").Check(s_house.Value);
        }
    }

    [Fact]
    public void Every_type_of_the_library_lives_in_a_room_of_the_floors() =>
        Types().That().ResideInAssembly(typeof(Density).Assembly).And().ArePublic().Should()
            .ResideInNamespaceMatching(Namespace(string.Join('|', s_floors.SelectMany(f => f)))).Check(s_house.Value);

    [Fact]
    public void The_rooms_of_the_engine_have_no_circle() => Slices().Matching("Monge.Engine.(*)").Should().BeFreeOfCycles().Check(s_house.Value);

    [Fact]
    public void An_assembly_knows_only_those_below_it()
    {
        Assert.Empty(Known(typeof(Expr)));
        Assert.Equal(["Monge.Engine"], Known(typeof(Density)));
        Assert.Equal(["Monge.Engine", "Monge.Library"], Known(typeof(GalleryCatalogue)));
        Assert.Contains("Monge.Gallery", Known(typeof(MongeCommand)));
    }

    [Fact]
    public void The_library_and_the_engine_know_nothing_of_consoles() => Assert.Empty(RoomsThatKnow("System.Console"));

    [Fact]
    public void Only_the_room_of_linear_algebra_names_MathNet()
    {
        Assert.Equal(["Monge.Engine.LinearAlgebra"], RoomsThatKnow("MathNet."));
        Assert.DoesNotContain(
            typeof(GalleryCatalogue).Assembly.GetReferencedAssemblies(), assembly => assembly.Name!.StartsWith("MathNet", StringComparison.Ordinal));
    }

    private static IEnumerable<string> RoomsThatKnow(string name) =>
        s_house.Value.Types.Where(type => type.Dependencies.Any(d => d.Target.FullName.StartsWith(name, StringComparison.Ordinal)))
            .Select(type => type.Namespace.FullName).Distinct();

    private static string Namespace(string rooms) => $@"^Monge\.({rooms})(\.|$)";

    private static IEnumerable<string> Known(System.Type type) =>
        type.Assembly.GetReferencedAssemblies().Select(a => a.Name!).Where(name => name.StartsWith("monge", StringComparison.OrdinalIgnoreCase)).Order();
}
